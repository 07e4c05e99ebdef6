"""Exports of tools whose labels are documents alone, written here after the tools' own documentation."""

import base64
import copy
import csv
import json
import random
import shutil

import numpy as np
import pytest
from labelled import box, garbage, imported_masks, masks, photo
from recycle_datasets.tools import TOOL_READERS
from recycle_engine import api
from tool_scene import (
    COLORS,
    HEIGHT,
    NAMES,
    NEWER,
    SCENE,
    WIDTH,
    by_photo,
    colored,
    drawn,
    expected,
    flat,
    photos,
    picture,
    png,
    points,
    runs,
    shares,
    truth,
    write,
)

from recyclecli.types import LabelFaults, RecycleError


def superannotate(root):
    photos(root)
    write(root / "classes/classes.json", [{"id": n, "name": name, "color": "#112233"} for n, name in enumerate(NAMES)])
    for key, objects in SCENE.items():
        found = [{"type": "polygon", "className": name, "points": flat(area)} for name, area in objects]
        found.append({"type": "bbox", "className": "paper", "points": {"x1": 1, "x2": 3, "y1": 1, "y2": 3}})
        about = {"name": f"{key}.jpg", "width": WIDTH, "height": HEIGHT, "status": "Completed"}
        write(root / f"{key}.jpg.json", {"metadata": about, "instances": found, "tags": [], "comments": []})
    return NAMES, {"boxes": 2}


def superannotate_old(root):
    photos(root)
    write(root / "classes/classes.json", [{"id": n, "name": name} for n, name in enumerate(NAMES)])
    for key, objects in SCENE.items():
        found = [{"type": "polygon", "classId": NAMES.index(name), "points": flat(area)} for name, area in objects]
        found.append({"type": "meta", "name": "imageAttributes", "width": WIDTH, "height": HEIGHT})
        write(root / f"{key}.jpg___objects.json", found)
    return NAMES, {}


def superannotate_pixels(root):
    photos(root)
    write(root / "classes/classes.json", [{"id": n, "name": name} for n, name in enumerate(NAMES)])
    for key, objects in SCENE.items():
        values, found = np.zeros((HEIGHT, WIDTH, 4), np.uint8), []
        for number, (name, area) in enumerate(objects, start=1):
            values[drawn(area)] = (number, 32, 48, 255)
            found.append({"className": name, "parts": [{"color": f"#{number:02x}2030"}]})
        picture(root / f"{key}.jpg___save.png", values)
        about = {"name": f"{key}.jpg", "width": WIDTH, "height": HEIGHT}
        write(root / f"{key}.jpg___pixel.json", {"metadata": about, "instances": found})
    return NAMES, {}


def dataloop(root):
    photos(root / "items/x")
    for key, objects in SCENE.items():
        first, second = objects
        found = [
            {"type": "segment", "label": first[0], "coordinates": [points(first[1])], "creator": "someone@example.org"},
            {"type": "binary", "label": second[0], "coordinates": f"data:image/png;base64,{png(drawn(second[1]))}"},
            {"type": "class", "label": "paper", "coordinates": {}},
        ]
        system = {"width": WIDTH, "height": HEIGHT, "mimetype": "image/jpeg"}
        write(
            root / f"json/x/{key}.json",
            {"filename": f"/x/{key}.jpg", "annotations": found, "metadata": {"system": system}},
        )
    return ("metal", "paper"), {"tags": 2}


def hasty(root):
    photos(root / "images/set")
    images = [{"image_name": "new.jpg", "width": 9, "height": 9, "image_status": "NEW", "labels": []}]
    for key, objects in SCENE.items():
        found = []
        for depth, (name, area) in enumerate(objects):
            left, top, right, bottom = area
            counts = [0, (right - left) * (bottom - top)]
            shape = {"mask": counts, "polygon": None} if depth else {"polygon": box(*area), "mask": None}
            found.append({"class_name": name, "bbox": list(area), "z_index": depth, **shape})
        found.append({"class_name": "paper", "bbox": [1, 1, 2, 2], "polygon": None, "mask": None})
        side = {"width": WIDTH, "height": HEIGHT, "image_status": "DONE", "dataset_name": "set"}
        images.append({"image_name": f"{key}.jpg", **side, "labels": found})
    classes = [{"class_name": name, "norder": number} for number, name in enumerate(NAMES)]
    write(
        root / "export.json",
        {"project_name": "x", "export_format_version": "1.1", "label_classes": classes, "images": images},
    )
    return NAMES, {"boxes": 2, "photos that nobody has labelled": 1}


def segments_release(root, attributes):
    categories = [{"id": number, "name": name} for number, name in enumerate(NAMES, start=1)]
    samples = [{"name": "new.jpg", "labels": {"ground-truth": None}}]
    for key in SCENE:
        label = {"label_status": "REVIEWED", "attributes": attributes(key)}
        samples.append({"name": f"{key}.jpg", "labels": {"ground-truth": label}})
    about = {"format_version": "0.1", "categories": categories}
    write(
        root / "set-v1.json", {"name": "v1", "dataset": {"name": "set", "task_attributes": about, "samples": samples}}
    )
    return NAMES, {"photos that nobody has labelled": 1}


def segments_ai(root):
    photos(root)

    def attributes(key):
        values, found = np.zeros((HEIGHT, WIDTH, 4), np.uint8), []
        values[..., 3] = 255
        for number, (name, area) in enumerate(SCENE[key], start=300):
            values[drawn(area), 0], values[drawn(area), 1] = number % 256, number // 256
            found.append({"id": number, "category_id": NAMES.index(name) + 1})
        picture(root / f"{key}_label_ground-truth.png", values)
        return {"annotations": found, "segmentation_bitmap": {"url": f"https://host/{key}{key}.png"}}

    return segments_release(root, attributes)


def segments_ai_polygons(root):
    photos(root)
    return segments_release(
        root,
        lambda key: {
            "annotations": [
                {"id": number, "category_id": NAMES.index(name) + 1, "type": "polygon", "points": box(*area)}
                for number, (name, area) in enumerate(SCENE[key])
            ]
        },
    )


def encord(root):
    photos(root)
    rows = []
    for key, ((first, area), (second, other)) in SCENE.items():
        left, top, right, bottom = other
        from pycocotools import mask as coco

        whole = coco.encode(np.ones((bottom - top, right - left), np.uint8, order="F"))
        place = {"left": left, "top": top, "width": right - left, "height": bottom - top}
        corners = {str(number): point for number, point in enumerate(points(area, WIDTH, HEIGHT))}
        found = [
            {"name": first, "shape": "polygon", "polygon": corners, "createdBy": "someone@example.org"},
            {"name": second, "shape": "bitmask", "bitmask": {**place, "rleString": whole["counts"].decode()}},
            {"name": first, "shape": "bounding_box", "boundingBox": {"x": 0, "y": 0, "w": 1, "h": 1}},
        ]
        unit = {"data_title": f"{key}.jpg", "data_type": "image/jpeg", "width": WIDTH, "height": HEIGHT}
        rows.append({"label_hash": key, "data_units": {key: {**unit, "labels": {"objects": found}}}})
    write(root / "export.json", rows)
    return ("metal", "paper"), {"boxes": 2}


def scale(root):
    photos(root)
    tasks = [{"task_id": "0", "status": "pending", "params": {"attachment": "https://host/new.jpg"}}]
    for key, objects in SCENE.items():
        found = [{"type": "polygon", "label": name, "vertices": points(area)} for name, area in objects]
        params = {
            "attachment": f"https://host/{key}.jpg?x=1",
            "geometries": {"polygon": {"objects_to_annotate": NAMES}},
        }
        tasks.append({"task_id": key, "status": "completed", "params": params, "response": {"annotations": found}})
    write(root / "tasks.json", tasks)
    return NAMES, {"photos that nobody has labelled": 1}


def kili(root):
    photos(root / "images")
    assets = [{"externalId": "new", "content": "", "jsonContent": "", "labels": []}]
    for key, objects in SCENE.items():
        found = [
            {
                "type": "semantic",
                "categories": [{"name": name}],
                "boundingPoly": [{"normalizedVertices": points(area, WIDTH, HEIGHT)}],
            }
            for name, area in objects
        ]
        label = {"author": {"email": "someone@example.org"}, "labelType": "DEFAULT", "createdAt": "2024"}
        guess = {"labelType": "PREDICTION", "jsonResponse": {"JOB": {"annotations": found[:1]}}}
        own = {**label, "jsonResponse": {"JOB": {"annotations": found}}}
        assets.append({"externalId": key, "content": f"images/{key}.jpg", "jsonContent": "", "labels": [own, guess]})
    write(root / "data.json", [*assets[1:], assets[0]])
    return ("metal", "paper"), {"photos that nobody has labelled": 1}


def isat(root):
    photos(root)
    for key, objects in SCENE.items():
        found = [
            {"category": name, "group": 1, "segmentation": box(*area), "layer": float(number)}
            for number, (name, area) in enumerate(objects)
        ]
        info = {"description": "ISAT", "folder": "D:\\x", "name": f"{key}.jpg", "width": WIDTH, "height": HEIGHT}
        write(root / f"{key}.json", {"info": info, "objects": found[::-1]})
    labels = "".join(f"- color: '#ff0000'\n  name: {name}\n" for name in ("__background__", *NAMES))
    write(root / "isat.yaml", f"contour_mode: max_only\nlabel:\n{labels}")
    return NAMES, {}


def vott(root):
    photos(root)
    assets = {}
    for key, objects in SCENE.items():
        asset = {
            "name": f"{key}.jpg",
            "path": f"file:C:/x/{key}.jpg",
            "size": {"width": WIDTH, "height": HEIGHT},
            "type": 1,
        }
        found = [{"type": "POLYGON", "tags": [name], "points": points(area)} for name, area in objects]
        found.append({"type": "RECTANGLE", "tags": ["paper"], "points": points((1, 1, 2, 2))})
        assets[key] = {"asset": {**asset, "state": 2}, "regions": found, "version": "2.1.0"}
    assets["n"] = {"asset": {"name": "new.jpg", "state": 1, "type": 1}, "regions": []}
    write(root / "x-export.json", {"name": "x", "tags": [{"name": name} for name in NAMES], "assets": assets})
    return NAMES, {"boxes": 2, "photos that nobody has labelled": 1}


def ultralytics(root):
    photos(root / "images")
    lines = [{"type": "dataset", "task": "segment", "class_names": dict(enumerate(NAMES))}]
    for key, objects in SCENE.items():
        found = {"segments": [[NAMES.index(name), *shares(area)] for name, area in objects], "boxes": [[0, 1, 1, 1, 1]]}
        side = {"width": WIDTH, "height": HEIGHT, "split": "val" if key == "b" else "train"}
        lines.append({"type": "image", "file": f"{key}.jpg", "url": "https://host/1", **side, "annotations": found})
    write(root / "set.ndjson", "\n".join(map(json.dumps, lines)))
    return NAMES, {"boxes": 2}


def azure_ml(root):
    photos(root)
    lines = []
    for key, objects in SCENE.items():
        found = [{"label": name, "isCrowd": 0, "polygon": [shares(area)]} for name, area in objects]
        found.append({"label": "paper", "topX": 0, "topY": 0, "bottomX": 1, "bottomY": 1})
        lines.append({"image_url": f"AmlDatastore://x/{key}.jpg", "label": found})
    write(root / "labels.jsonl", "\n".join(map(json.dumps, lines)))
    return ("metal", "paper"), {"boxes": 2}


def qupath(root):
    photos(root)
    for key, objects in SCENE.items():
        found = [
            {
                "type": "Feature",
                "geometry": {"type": "Polygon", "coordinates": [[*box(*area), box(*area)[0]]]},
                "properties": {"objectType": "annotation", "classification": {"name": name, "color": [1, 2, 3]}},
            }
            for name, area in objects
        ]
        point = {"type": "Point", "coordinates": [1, 1]}
        found.append({"type": "Feature", "geometry": point, "properties": {"isLocked": False}})
        write(root / f"{key}.geojson", {"type": "FeatureCollection", "features": found})
    return ("metal", "paper"), {"points": 2}


def scalabel(root):
    photos(root)
    frames = []
    for key, ((first, area), (second, other)) in SCENE.items():
        mask = np.flatnonzero(np.diff(np.concatenate([[0], drawn(other).T.ravel(), [0]]).astype(np.int8)))
        counts = np.diff(np.concatenate([[0], mask, [HEIGHT * WIDTH]])).tolist()
        found = [
            {"category": first, "poly2d": [{"vertices": box(*area), "types": "LLLL", "closed": True}]},
            {"category": second, "rle": {"size": [HEIGHT, WIDTH], "counts": counts}},
            {"category": first, "poly2d": [{"vertices": box(*area), "types": "LLLL", "closed": False}]},
        ]
        frames.append({"name": f"{key}.jpg", "labels": found})
    config = {"imageSize": {"width": WIDTH, "height": HEIGHT}, "categories": [{"name": name} for name in NAMES]}
    write(root / "labels.json", {"frames": frames, "config": config})
    return NAMES, {"lines": 2}


def colabeler(root):
    photos(root)
    for key, objects in SCENE.items():
        found = []
        for name, area in objects:
            corners = {f"{axis}{n}": point[axis == "y"] for n, point in enumerate(box(*area), 1) for axis in "xy"}
            found.append({"name": name, "polygon": corners})
        found.append({"name": "paper", "bndbox": {"xmin": 1}})
        side = {"width": WIDTH, "height": HEIGHT, "depth": 3}
        write(
            root / f"outputs/{key}.json",
            {"path": f"E:\\图\\{key}.jpg", "outputs": {"object": found}, "labeled": True, "size": side},
            "gbk",
        )
    return ("metal", "paper"), {"boxes": 2}


def labelu(root):
    photos(root)
    samples = []
    for key, objects in SCENE.items():
        found = [{"label": name, "points": points(area), "order": order} for order, (name, area) in enumerate(objects)]
        tools = [
            {"toolName": "polygonTool", "result": found},
            {"toolName": "pointTool", "result": [{"label": "paper"}]},
        ]
        result = {"width": WIDTH, "height": HEIGHT, "rotate": 0, "annotations": tools}
        samples.append({"id": 1, "result": json.dumps(result), "fileName": f"{key}.jpg", "url": "x"})
    write(root / "task.json", samples)
    return ("metal", "paper"), {"points": 2}


def labelme_xml(root):
    photos(root / "default")
    for key, ((first, area), (second, other)) in SCENE.items():
        picture(root / f"default/Masks/{key}_mask_1.png", drawn(other).astype(np.uint8) * 255)
        corners = "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in box(*area))
        outline = f"<polygon>{corners}<username>me</username></polygon>"
        objects = f"<object><name>{first}</name><deleted>0</deleted>{outline}</object>"
        objects += f"<object><name>{second}</name><segm><mask>{key}_mask_1.png</mask></segm></object>"
        objects += f"<object><name>paper</name><deleted>1</deleted><polygon>{corners}</polygon></object>"
        objects += f"<object><name>paper</name><type>bounding_box</type><polygon>{corners}</polygon></object>"
        side = f"<imagesize><nrows>{HEIGHT}</nrows><ncols>{WIDTH}</ncols></imagesize>"
        write(root / f"default/{key}.xml", f"<annotation><filename>{key}.jpg</filename>{side}{objects}</annotation>")
    return ("metal", "paper"), {"boxes": 2, "deleted objects": 2}


def voc_polygons(root):
    photos(root / "JPEGImages")
    for key, objects in SCENE.items():
        text = f"<filename>{key}.jpg</filename><size><width>{WIDTH}</width><height>{HEIGHT}</height></size>"
        for name, area in objects:
            corners = "".join(f"<x{n}>{x}</x{n}><y{n}>{y}</y{n}>" for n, (x, y) in enumerate(box(*area), 1))
            text += f"<object><name>{name}</name><bndbox><xmin>1</xmin></bndbox><polygon>{corners}</polygon></object>"
        text = f'<?xml version="1.0" encoding="GBK"?>\n<annotation><folder>图</folder>{text}</annotation>'
        write(root / f"Annotations/{key}.xml", text, "gbk")
    return ("metal", "paper"), {}


def cityscapes_polygons(root):
    photos(root / "leftImg8bit/train/x", "png", "_leftImg8bit")
    for key, objects in SCENE.items():
        found = [{"label": name, "polygon": box(*area)} for name, area in objects]
        content = {"imgHeight": HEIGHT, "imgWidth": WIDTH, "objects": found}
        write(root / f"gtFine/train/x/{key}_gtFine_polygons.json", content)
    return ("metal", "paper"), {}


def open_images(root):
    photos(root / "images")
    codes = {"/m/1": "metal", "/m/2": "paper"}
    write(root / "annotations/class-descriptions.csv", "".join(f"{code},{name}\n" for code, name in codes.items()))
    rows = ["MaskPath,ImageID,LabelName,BoxID,BoxXMin,BoxXMax,BoxYMin,BoxYMax,PredictedIoU,Clicks"]
    for key, objects in SCENE.items():
        for number, (name, area) in enumerate(objects):
            values = drawn(area)[::2, ::2] if key == "a" else drawn(area)  # masks may be smaller than photos
            picture(root / f"masks/{key}_{number}.png", values)
            code = next(code for code, own in codes.items() if own == name)
            rows.append(f"{key}_{number}.png,{key},{code},1,0,1,0,1,0,")
    rows.append("gone.png,a,/m/1,1,0,1,0,1,0,")
    write(root / "annotations/default-annotations-object-segmentation.csv", "\n".join(rows))
    return ("metal", "paper"), {"masks that are not there": 1}


def sagemaker(root):
    photos(root / "photos")
    colors = {"0": {"class-name": "BACKGROUND", "hex-color": "#ffffff"}}
    colors |= {
        str(number): {"class-name": name, "hex-color": "#{:02x}{:02x}{:02x}".format(*COLORS[name])}
        for number, name in enumerate(NAMES, start=1)
    }
    lines = []
    for key in SCENE:
        values = colored(key)
        values[~values.any(axis=2)] = 255
        picture(root / f"output/{key}_2024.png", values)
        about = {"internal-color-map": colors, "type": "groundtruth/semantic-segmentation"}
        refs = {"source-ref": f"s3://bucket/{key}.jpg", "job-ref": f"s3://bucket/output/{key}_2024.png"}
        lines.append({**refs, "job-metadata" if key == "b" else "job-ref-metadata": about})  # old and new
    write(root / "output.manifest", "\n".join(map(json.dumps, lines)))
    return NAMES, {}


def unity(root):
    for number, key in enumerate(SCENE):
        folder = root / f"sequence.{number}"
        photo(folder / f"{key}.camera.png", HEIGHT, WIDTH)
        picture(
            folder / f"{key}.camera.semantic segmentation.png",
            np.dstack([colored(key), np.full((HEIGHT, WIDTH), 255)]).astype(np.uint8),
        )
        classes = [{"labelName": name, "pixelValue": [*COLORS[name], 255]} for name in NAMES]
        mask = {"filename": f"{key}.camera.semantic segmentation.png", "instances": classes}
        found = [{"@type": "type.unity.com/unity.solo.SemanticSegmentationAnnotation", **mask}]
        found.append({"@type": "type.unity.com/unity.solo.BoundingBox2DAnnotation", "values": []})
        capture = {"id": "camera", "filename": f"{key}.camera.png", "annotations": found}
        write(
            folder / f"{key}.frame_data.json", {"frame": number, "sequence": number, "step": 0, "captures": [capture]}
        )
    return NAMES, {"annotations that are no semantic segmentation": 2}


def coco_panoptic(root):
    photos(root / "images")
    annotations, images = [], []
    for number, (key, objects) in enumerate(SCENE.items()):
        ids, found = np.zeros((HEIGHT, WIDTH, 3), np.uint8), []
        for place, (name, area) in enumerate(objects):
            ids[drawn(area)] = (place + 1, 2, 0)
            found.append({"id": 512 + place + 1, "category_id": NAMES.index(name) + 1, "iscrowd": 0})
        picture(root / f"panoptic/{key}.png", ids)
        annotations.append({"image_id": number, "file_name": f"{key}.png", "segments_info": found})
        images.append({"id": number, "file_name": f"{key}.jpg", "width": WIDTH, "height": HEIGHT})
    categories = [{"id": number, "name": name, "isthing": 1} for number, name in enumerate(NAMES, start=1)]
    write(root / "panoptic.json", {"images": images, "annotations": annotations, "categories": categories})
    return NAMES, {}


def rle_csv(root):
    photos(root / "train")
    rows = ["ImageId,ClassId,EncodedPixels"]
    for key in SCENE:
        values = truth(NAMES)[key]
        rows += [f"{key}.jpg,{name},{runs(values == NAMES.index(name) + 1)}" for name in ("paper", "metal")]
    write(root / "train.csv", "\n".join(rows))
    return ("metal", "paper"), {}


def rle_csv_numbers(root):
    photos(root / "train")
    rows = ["ImageId_ClassId,EncodedPixels"]
    for key in SCENE:
        values = truth(NAMES)[key]
        rows += [f"{key}.jpg_{number},{runs(values == number)}" for number in (1, 2)] + [f"{key}.jpg_3,"]
    write(root / "train.csv", "\n".join(rows))
    return ("class-1", "class-2"), {}


def rle_csv_described(root):
    rle_csv_numbers(root)
    rows = [line.rpartition("_")[::2] for line in (root / "train.csv").read_text().split("\n")[1:]]
    rows = [f"{name},{end.partition(',')[2]},{end.partition(',')[0]}_7_9" for name, end in rows]
    write(root / "train.csv", "\n".join(["ImageId,EncodedPixels,ClassId", *rows]))  # as of iMaterialist
    listed = [{"id": number, "name": name} for number, name in enumerate(NAMES, start=1)]
    write(root / "label_descriptions.json", {"categories": listed})
    return NAMES, {}


def class_masks(root, name_of="masks/{name}/{key}.png"):
    photos(root / "images")
    for key in SCENE:
        for name in ("metal", "paper"):
            shown = truth(NAMES)[key] == NAMES.index(name) + 1
            picture(root / name_of.format(key=key, name=name), shown.astype(np.uint8) * 255)
    return ("metal", "paper"), {}


def via_3(root):
    photos(root)
    files = {
        str(n): {"fid": str(n), "fname": f"{key}.jpg", "type": 2, "src": f"{key}.jpg"} for n, key in enumerate(SCENE)
    }
    shapes = {}
    for number, objects in enumerate(SCENE.values()):
        for name, area in objects:
            chosen = {"1": str(NAMES.index(name))}
            shapes[f"x{len(shapes)}"] = {"vid": str(number), "z": [], "xy": [7, *flat(area)], "av": chosen}
        shapes[f"x{len(shapes)}"] = {"vid": str(number), "z": [], "xy": [2, 1, 1, 3, 3], "av": {"1": "0"}}
    options = {str(number): name for number, name in enumerate(NAMES)}
    content = {
        "project": {"pid": "__VIA_PROJECT_ID__", "creator": "VGG Image Annotator", "vid_list": [*files]},
        "attribute": {"1": {"aname": "class", "options": options}},
        "file": files,
        "view": {key: {"fid_list": [key]} for key in files},
        "metadata": shapes,
    }
    write(root / "via_project.json", content)
    return NAMES, {"boxes": 2}


def prodigy(root):
    photos(root / "images")
    tasks = []
    for key, objects in SCENE.items():
        found = [{"label": name, "type": "polygon", "points": [[x / 2, y / 2] for x, y in box(*area)]}
                 for name, area in objects]  # fmt: skip
        found.append({"label": "paper", "type": "rect", "points": box(1, 1, 2, 2)})
        about = {"_task_hash": 1, "width": WIDTH // 2, "height": HEIGHT // 2, "answer": "accept"}  # as it was shown
        tasks.append({"image": f"/home/x/{key}.jpg", "spans": found, **about})
    tasks.append({"image": "b.jpg", "spans": [], "_task_hash": 2, "answer": "ignore"})
    write(root / "annotations.jsonl", "\n".join(map(json.dumps, tasks)))
    return ("metal", "paper"), {"boxes": 2, "photos that were rejected or ignored": 1}


def prodigy_embedded(root):
    photos(root / "p", "png")
    tasks = []
    for key, objects in SCENE.items():
        data = base64.b64encode((root / f"p/{key}.png").read_bytes()).decode()
        found = [{"label": name, "type": "freehand", "points": box(*area)} for name, area in objects]
        about = {"meta": {"file": f"{key}.png"}, "_input_hash": 1}
        tasks.append({"image": f"data:image/png;base64,{data}", "spans": found, **about})
    shutil.rmtree(root / "p")
    write(root / "annotations.json", tasks)
    return ("metal", "paper"), {}


def dataturks(root):
    photos(root)
    rows = [{"content": "http://host/new.jpg", "annotation": None, "extras": None}]
    for key, objects in SCENE.items():
        side = {"imageWidth": WIDTH, "imageHeight": HEIGHT}
        found = [{"label": [name], "points": [[x / WIDTH, y / HEIGHT] for x, y in box(*area)], **side}
                 for name, area in objects]  # fmt: skip
        found.append({"label": ["paper"], "points": [{"x": 0, "y": 0}, {"x": 1, "y": 1}], **side})
        rows.append({"content": f"http://host/2c9f___{key}/{key}.jpg", "annotation": found, "extras": None})
    write(root / "export.json", "\n".join(map(json.dumps, rows)))  # lines, whatever it is called
    return ("metal", "paper"), {"boxes": 2, "photos that nobody has labelled": 1}


def labelbee(root):
    photos(root)
    for key, objects in SCENE.items():
        found = [
            {"pointList": points(area), "attribute": name, "valid": True, "order": order}
            for order, (name, area) in enumerate(objects, start=1)
        ]
        found.append({"pointList": points((0, 0, 3, 3)), "attribute": "paper", "valid": False, "order": 9})
        step = {"toolName": "polygonTool", "dataSourceStep": 0, "result": found[::-1]}
        content = {"width": WIDTH, "height": HEIGHT, "valid": True, "rotate": 0, "step_1": step}
        write(root / f"{key}.jpg.json", content)
    return ("metal", "paper"), {"polygons marked as not valid": 2}


def universal_data_tool(root):
    photos(root)
    samples = [{"imageUrl": "http://host/new.jpg"}]
    for key, objects in SCENE.items():
        found = [
            {"regionType": "polygon", "classification": name, "points": points(area, WIDTH, HEIGHT)}
            for name, area in objects
        ]
        found.append({"regionType": "bounding-box", "classification": "paper", "centerX": 0.1})
        samples.append({"imageUrl": f"http://host/{key}.jpg", "annotation": found})
    write(root / "x.udt.json", {"interface": {"type": "image_segmentation", "labels": NAMES}, "samples": samples})
    return NAMES, {"boxes": 2, "photos that nobody has labelled": 1}


def vertex_ai(root):
    photos(root)
    colors = [
        {"color": dict(zip(("red", "green", "blue"), (one / 255 for one in COLORS[name]), strict=True)),
         "displayName": name} for name in NAMES]  # fmt: skip
    items = []
    for key in SCENE:
        picture(root / f"masks/{key}_mask.png", colored(key))
        found = {"maskGcsUri": f"gs://bucket/masks/{key}_mask.png", "annotationSpecColors": colors}
        items.append({"imageGcsUri": f"gs://bucket/{key}.jpg", "segmentationAnnotation": found})
    write(root / "data.jsonl", "\n".join(map(json.dumps, items)))
    return NAMES, {}


def vertex_ai_polygons(root):
    photos(root)
    items = []
    for key, objects in SCENE.items():
        found = [{"displayName": name, "vertexes": points(area, WIDTH, HEIGHT)} for name, area in objects]
        line = [{"displayName": "paper", "vertexes": points((0, 0, 1, 1))}]
        one = {"imageGcsUri": f"gs://bucket/{key}.jpg", "polygonAnnotations": found, "polylineAnnotations": line}
        items.append(one)
    write(root / "data.jsonl", "\n".join(map(json.dumps, items)))
    return ("metal", "paper"), {"lines": 2}


def asap(root):
    photos(root)
    groups = "".join(f'<Group Name="{name}" PartOfGroup="None" Color="#00ff00"/>' for name in ("None", *NAMES))
    for key, objects in SCENE.items():
        found = [("Polygon", name, area) for name, area in objects] + [("Dot", "paper", (1, 1, 1, 1))]
        text = "".join(
            f'<Annotation Name="A {number}" Type="{kind}" PartOfGroup="{name}"><Coordinates>'
            + "".join(f'<Coordinate Order="{n}" X="{x}.0" Y="{y}.0"/>' for n, (x, y) in enumerate(box(*area)))
            + "</Coordinates></Annotation>"
            for number, (kind, name, area) in enumerate(found)
        )
        groups_of = f"<AnnotationGroups>{groups}</AnnotationGroups>"
        write(root / f"{key}.xml", f"<ASAP_Annotations><Annotations>{text}</Annotations>{groups_of}</ASAP_Annotations>")
    return NAMES, {"points": 2}


def imagescope(root):
    """Layers of regions: the class is the layer's name, or its attribute; what a negative region cuts out is filled."""
    photos(root / "tissue")

    def region(area, **more):
        about = {"Type": "0", "NegativeROA": "0", **more}
        named = " ".join(f'{one}="{value}"' for one, value in about.items())
        points = "".join(f'<Vertex X="{x}" Y="{y}" Z="0"/>' for x, y in box(*area))
        return f"<Region Id='1' {named}><Vertices>{points}</Vertices></Region>"

    for key, ((first, area), (second, other)) in SCENE.items():
        attribute = f'<Attributes><Attribute Id="0" Name="{second}" Value=""/></Attributes>'
        hole = region(other, NegativeROA="1") if key == "a" else ""
        layers = f'<Annotation Id="1" Name="{first}"><Regions>{region(area)}{hole}{region(other, Type="4")}</Regions>'
        layers += f'</Annotation><Annotation Id="2" Name="">{attribute}<Regions>{region(other)}</Regions></Annotation>'
        write(root / f"xml/{key}.xml", f'<Annotations MicronsPerPixel="0.5">{layers}</Annotations>')
    return ("metal", "paper"), {"lines": 2}


def mots(root):
    photos(root / "images")
    for key in SCENE:
        values = truth(NAMES)[key].astype(np.uint16)
        picture(root / f"instances/{key}.png", np.where(values, values * 1000 + 1, 0).astype(np.uint16))
    write(root / "instances/labels.txt", "\n".join(("background", *NAMES)))
    return NAMES, {}


def object_masks(root):
    for key, objects in SCENE.items():
        photo(root / key / "images" / f"{key}.jpg", HEIGHT, WIDTH)
        for number, (_, area) in enumerate(objects):
            picture(root / key / "masks" / f"{number}f03.png", drawn(area).astype(np.uint8) * 255)
    photo(root / "new/images/new.jpg", HEIGHT, WIDTH)
    return ("object",), {"photos that nobody has labelled": 1}


def labelme_masks(root):
    for key, objects in SCENE.items():
        names = ("_background_", *(name for name, _ in objects))
        photo(root / f"{key}_json/img.png", HEIGHT, WIDTH)
        picture(root / f"{key}_json/label.png", truth(names[1:])[key])
        picture(root / f"{key}_json/label_viz.png", colored(key))
        write(root / f"{key}_json/label_names.txt", "\n".join(names))
    return ("metal", "paper"), {}


EXPORTS = {
    "superannotate": (superannotate, superannotate_old, superannotate_pixels),
    "dataloop": (dataloop,),
    "hasty": (hasty,),
    "segments-ai": (segments_ai, segments_ai_polygons),
    "encord": (encord,),
    "scale": (scale,),
    "kili": (kili,),
    "isat": (isat,),
    "vott": (vott,),
    "ultralytics": (ultralytics,),
    "azure-ml": (azure_ml,),
    "qupath": (qupath,),
    "scalabel": (scalabel,),
    "colabeler": (colabeler,),
    "labelu": (labelu,),
    "annotation-xml": (labelme_xml, voc_polygons),
    "cityscapes-polygons": (cityscapes_polygons,),
    "open-images": (open_images,),
    "sagemaker": (sagemaker,),
    "unity": (unity,),
    "coco-panoptic": (coco_panoptic,),
    "rle-csv": (rle_csv, rle_csv_numbers, rle_csv_described),
    "class-masks": (class_masks,),
    "via": (via_3,),
    "prodigy": (prodigy, prodigy_embedded),
    "dataturks": (dataturks,),
    "labelbee": (labelbee,),
    "universal-data-tool": (universal_data_tool,),
    "vertex-ai": (vertex_ai, vertex_ai_polygons),
    "slide-xml": (asap, imagescope),
    "mots": (mots,),
    "object-masks": (object_masks,),
    "labelme-masks": (labelme_masks,),
}
"""Layout to what writes exports of it: a function of the folder that returns the class names and what is left out."""
CASES = [(name, make) for name, makers in EXPORTS.items() for make in makers]
each_export = pytest.mark.parametrize(("layout", "make"), CASES, ids=[make.__name__ for _, make in CASES])


def test_each_tool_is_tried():
    assert {*TOOL_READERS} == {*EXPORTS, *NEWER} - {"via"}


@each_export
@pytest.mark.parametrize("below", ["", "deeper/one"])
def test_pixels_classes_and_what_is_left_out(tmp_path, layout, make, below):
    names, left_out = make(tmp_path / "src" / below)
    if below:
        garbage(tmp_path / "src/others")
    done, found = imported_masks(tmp_path / "src", tmp_path / "out")
    assert done.taken.layout.name == layout
    assert done.class_names == ("Background", *names)
    assert by_photo(found) == expected(names)
    assert {key: done.left_out.get(key) for key in left_out} == left_out
    assert "example.org" not in "".join(file.read_text(encoding="utf-8") for file in done.files)


@each_export
def test_read_in_place(tmp_path, layout, make):
    names, _ = make(tmp_path)
    found = api.open_data(tmp_path, dataset=layout)
    assert by_photo(masks(found)) == expected(names)


@pytest.mark.parametrize("name_of", ["{name}/{key}.png", "masks/{key}/{name}.png", "masks/{key}_{name}.png",
                                     "masks/{name}_{key}.png", "images/{key}_{name}.png"])  # fmt: skip
def test_masks_called_as_their_classes(tmp_path, name_of):
    names, _ = class_masks(tmp_path / "src", name_of)
    done, found = imported_masks(tmp_path / "src", tmp_path / "out")
    assert done.taken.layout.name == "class-masks"
    assert done.class_names == ("Background", *names)
    assert by_photo(found) == expected(names)


def test_a_mask_of_one_class_that_holds_three_values(tmp_path):
    class_masks(tmp_path)
    picture(tmp_path / "masks/metal/a.png", np.arange(HEIGHT * WIDTH, dtype=np.uint8).reshape(HEIGHT, WIDTH) % 3)
    with pytest.raises(LabelFaults, match="holds 3 values"):
        api.import_data(tmp_path, None)


def test_splits(tmp_path):
    ultralytics(tmp_path / "ndjson")
    assert api.import_data(tmp_path / "ndjson", None).splits == {"train": 1, "val": 1}
    for split in ("train", "val"):
        superannotate(tmp_path / "folders" / split)
        for file in (tmp_path / "folders" / split).glob(f"{'b' if split == 'train' else 'a'}.*"):
            file.unlink()
    assert api.import_data(tmp_path / "folders", None).splits == {"train": 1, "val": 1}


@pytest.mark.parametrize("orientation", [3, 6])
@pytest.mark.parametrize("make", [superannotate, kili, qupath], ids=lambda make: make.__name__)
def test_turned_as_exif_says(tmp_path, make, orientation):
    names, _ = make(tmp_path / "src")
    for file in [*(tmp_path / "src").rglob("*.jpg")]:
        sides = (WIDTH, HEIGHT) if orientation == 6 else (HEIGHT, WIDTH)
        photo(file, *sides, orientation=orientation)
    _, found = imported_masks(tmp_path / "src", tmp_path / "out")
    assert by_photo(found) == expected(names)


def test_holes(tmp_path):
    area, hole = (2, 2, 20, 20), (8, 8, 14, 14)
    expected = drawn(area) & ~drawn(hole)
    exports = {
        "superannotate": {
            "metadata": {"name": "a.jpg", "width": WIDTH, "height": HEIGHT},
            "instances": [{"type": "polygon", "className": "x", "points": flat(area), "exclude": [flat(hole)]}],
        },
        "dataloop": {
            "filename": "/a.jpg",
            "annotations": [{"type": "segment", "label": "x", "coordinates": [points(area), points(hole)]}],
        },
        "kili": [
            {
                "externalId": "a.jpg",
                "labels": [
                    {
                        "jsonResponse": {
                            "J": {
                                "annotations": [
                                    {
                                        "type": "semantic",
                                        "categories": [{"name": "x"}],
                                        "boundingPoly": [
                                            {"normalizedVertices": points(one, WIDTH, HEIGHT)} for one in (area, hole)
                                        ],
                                    }
                                ]
                            }
                        }
                    }
                ],
            }
        ],
        "encord": [
            {
                "label_hash": "x",
                "data_units": {
                    "u": {
                        "data_title": "a.jpg",
                        "data_type": "image/jpeg",
                        "width": WIDTH,
                        "height": HEIGHT,
                        "labels": {
                            "objects": [{"name": "x", "shape": "polygon", "polygons": [[shares(area), shares(hole)]]}]
                        },
                    }
                },
            }
        ],
        "qupath": {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "geometry": {"type": "MultiPolygon", "coordinates": [[box(*area), box(*hole)]]},
                    "properties": {"classification": {"name": "x"}},
                }
            ],
        },
    }
    for name, content in exports.items():
        photo(tmp_path / name / "a.jpg", HEIGHT, WIDTH)
        write(tmp_path / name / "a.json", content)
        (mask,) = masks(api.open_data(tmp_path / name, dataset=name)).values()
        assert np.array_equal(mask, expected), name


def test_the_19_classes_of_cityscapes(tmp_path):
    photo(tmp_path / "leftImg8bit/a_leftImg8bit.png", HEIGHT, WIDTH)
    found = [{"label": "road", "polygon": box(2, 2, 20, 20)}, {"label": "ego vehicle", "polygon": box(8, 8, 14, 14)},
             {"label": "cargroup", "polygon": box(22, 2, 30, 9)}]  # fmt: skip
    write(tmp_path / "gtFine/a_gtFine_polygons.json", {"imgHeight": HEIGHT, "imgWidth": WIDTH, "objects": found})
    source = api.open_data(tmp_path, dataset="cityscapes-polygons")
    expected = np.full((HEIGHT, WIDTH), 255, np.uint8)
    expected[drawn((2, 2, 20, 20)) & ~drawn((8, 8, 14, 14))] = source.class_names.index("road")
    expected[drawn((22, 2, 30, 9))] = source.class_names.index("car")
    (mask,) = masks(source).values()
    assert np.array_equal(mask, expected)
    assert len(source.class_names) == 20


def test_segments_that_are_stuff_leave_the_rest_ignored(tmp_path):
    names, _ = coco_panoptic(tmp_path)
    file = tmp_path / "panoptic.json"
    file.write_text(file.read_text().replace('"isthing": 1', '"isthing": 0'))
    for key, mask in by_photo(masks(api.open_data(tmp_path, dataset="coco-panoptic"))).items():
        assert np.array_equal(mask, np.where(truth(names)[key] == 0, 255, truth(names)[key]))


@pytest.mark.parametrize("along", [True, False])
def test_runs_along_the_rows_or_down_the_columns(tmp_path, along):
    expected = drawn((4, 6, 28, 18))
    photo(tmp_path / "a.jpg", HEIGHT, WIDTH)
    write(tmp_path / "train.csv", f"img,rle_mask\na.jpg,{runs(expected.T if along else expected)}\n")
    (mask,) = masks(api.open_data(tmp_path, dataset="rle-csv")).values()
    assert np.array_equal(mask > 0, expected)
    source = api.open_data(tmp_path, dataset="rle-csv", options={"order": "columns" if along else "rows"})
    (mask,) = masks(source).values()
    assert not np.array_equal(mask > 0, expected)


@pytest.mark.parametrize(
    ("row", "places"),
    [
        ("case1_day0_slice_0000", ["case1/case1_day0/scans/slice_0000_32_24_1.50_1.50.png",
                                   "case1/case1_day2/scans/slice_0000_32_24_1.50_1.50.png"]),
        ("a", ["train/images/a.png", "train/masks/a.png"]),
        ("a", ["seg/images/a.png", "seg/masks/a.png"]),
        ("2/a.png", ["train/2/a.png", "train/12/a.png"]),
        ("A.png", ["train/a.PNG", "test/b.png"]),
    ],
    ids=["slices", "masks", "masks in a folder called so", "folders", "capitals"],
)  # fmt: skip
def test_the_photos_that_rows_of_runs_mean(tmp_path, row, places):
    expected = drawn((4, 6, 28, 18))
    for place in places:
        photo(tmp_path / place, HEIGHT, WIDTH)
    write(tmp_path / "train.csv", f"id,class,segmentation\n{row},paper,{runs(expected)}\n")
    ((place, mask),) = masks(api.open_data(tmp_path, dataset="rle-csv")).items()
    assert (place, mask.tolist()) == (places[0], expected.tolist())


@pytest.mark.parametrize("others", [(), ("x_1.jpg", "y.jpg")])
def test_runs_whose_photos_are_not_there(tmp_path, logged, others):
    rle_csv(tmp_path)
    shutil.rmtree(tmp_path / "train")
    for name in others:
        photo(tmp_path / "train" / name, HEIGHT, WIDTH)
    with pytest.raises(RecycleError, match=r"of its 2 photos none is in .*, as 'a\.jpg': it"):
        api.import_data(tmp_path, None)
    assert "are taken to go" not in logged()  # no mask tells


def test_runs_of_one_photo_of_two_are_refused(tmp_path):
    rle_csv(tmp_path)
    shutil.copytree(tmp_path / "train", tmp_path / "test")
    with pytest.raises(RecycleError, match=r"'a\.jpg' is no file, and 2 photos have that name"):
        api.import_data(tmp_path, None)


def test_photos_that_no_row_of_runs_names_are_counted(tmp_path):
    rle_csv(tmp_path)
    for place in ("train/c.jpg", "test/d.jpg"):
        photo(tmp_path / place, HEIGHT, WIDTH)
    assert api.import_data(tmp_path, None).left_out == {"photos that no row names": 1}


def test_two_masks_of_one_thing_are_no_classes(tmp_path):
    for key in SCENE:
        photo(tmp_path / f"{key}.jpg", HEIGHT, WIDTH)
        for reader, right in (("first", 20), ("second", 21)):
            picture(tmp_path / f"{key}_{reader}.png", drawn((2, 2, right, 20)).astype(np.uint8) * 255)
    with pytest.raises(RecycleError, match="two masks of one thing"):
        api.import_data(tmp_path, None)


@pytest.mark.parametrize(
    ("make", "change", "said"),
    [
        (dataloop, ('"segment"', '"box"'), ""),
        (superannotate_pixels, None, "___save.png is missing"),
        (segments_ai, None, "links to a server"),
        (sagemaker, None, "links to a server.*\n.*put the masks that the links lead to into the folder"),
        (vertex_ai, None, "links to a server"),
        (rle_csv, ("jpg,paper,", "jpg,paper,99999 5 "), "reach out of"),
        (labelme_xml, None, "is not there"),
        (vott, ('"POLYGON"', '"RECTANGLE"'), "boxes"),
        (kili, ('"semantic"', '"rectangle"'), "boxes"),
    ],
    ids=["masks stay", "pixels", "bitmaps", "manifest", "bucket", "runs", "xml masks", "vott boxes", "kili boxes"],
)
def test_what_is_no_area_is_refused_with_its_cause(tmp_path, make, change, said):
    make(tmp_path)
    for file in [*tmp_path.rglob("*")]:
        if change and file.suffix in (".json", ".csv"):
            file.write_text(file.read_text().replace(*change))
        elif change is None and file.suffix == ".png":
            file.unlink()
    if not said:
        assert api.import_data(tmp_path, None).left_out["boxes"] == 2
        return
    with pytest.raises(RecycleError, match=said):
        api.import_data(tmp_path, None)


PLACES = [6, pytest.param(24, marks=pytest.mark.slow("changes more places of each file"))]  # that are changed
ODD = (None, [], {}, "x", "", -1, 0.5, 10**400, True, [[]], [None], {"x": 1}, [[1, 2], [3]], float("nan"))


def places_of(value, path=()):
    """Every place in a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield (*path, key)
        yield from places_of(one, (*path, key))


def changed(value, path, new):
    value = copy.deepcopy(value)
    inside = value
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = new
    return value


@each_export
@pytest.mark.parametrize("most", PLACES)
def test_what_no_tool_writes_is_refused_or_left_out(tmp_path, layout, make, most):
    make(tmp_path)
    chance = random.Random(layout)
    files = [file for suffix in ("*.json", "*.ndjson", "*.jsonl", "*.manifest") for file in tmp_path.rglob(suffix)]
    for file in files[:2]:
        text = file.read_bytes()
        lined = file.suffix != ".json" or b"}\n{" in text
        value = [json.loads(line) for line in text.splitlines()] if lined else json.loads(text.decode("gb18030"))
        paths = [*places_of(value)]
        for number, path in enumerate(chance.sample(paths, min(len(paths), most))):
            new = changed(value, path, chance.choice(ODD))
            file.write_text("\n".join(map(json.dumps, new if lined else [new])))
            try:
                api.import_data(tmp_path, None, layout, drop_unreadable=number % 2 == 0)
            except RecycleError:
                pass
            except Exception as error:
                pytest.fail(f"{path}: {error!r}")
        file.write_bytes(text)


def test_tables_and_texts_that_are_none(tmp_path):
    for make, name, text in (
        (rle_csv, "train.csv", "ImageId,EncodedPixels\na.jpg,1 2\n\0,\0\n"),
        (open_images, "annotations/default-annotations-object-segmentation.csv", "MaskPath,ImageID,LabelName\n\0\n"),
        (labelme_xml, "default/a.xml", "<annotation><object><polygon><pt>"),
        (ultralytics, "set.ndjson", '{"type": "dataset", "class_names": {}}\n{"type": "image"'),
    ):
        shutil.rmtree(tmp_path / "src", ignore_errors=True)
        make(tmp_path / "src")
        write(tmp_path / "src" / name, text)
        with pytest.raises(RecycleError):
            api.import_data(tmp_path / "src", None)


@pytest.mark.parametrize("layout", ["azure-ml", "dataturks", "labelbox"])
def test_lines_that_are_no_text_are_a_fault(tmp_path, layout):
    photos(tmp_path)
    (tmp_path / "export.ndjson").write_bytes(b'{"content": "\x81\x8d\xff", "x": "caf\xe9 \x90\x9d"}\n')
    with pytest.raises(LabelFaults, match="no text") as error:
        api.open_data(tmp_path, dataset=layout, options={"files": ["export.ndjson"]})
    assert len(error.value.faults) == 1


def test_the_table_that_is_read_is_that_of_the_labels(tmp_path):
    rle_csv(tmp_path)
    rows = [["ImageId", "EncodedPixels"], ["a.jpg", "1 2"]]
    with (tmp_path / "sample_submission.csv").open("w", newline="") as handle:
        csv.writer(handle).writerows(rows)
    assert api.import_data(tmp_path, None).class_names == ("Background", "metal", "paper")
