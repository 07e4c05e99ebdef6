"""Exports of labelling platforms, after their own documentation; each returns class names and what is left out."""

import json

import numpy as np
from labelled import box, photo
from tool_scene import (
    COLORS,
    HEIGHT,
    NAMES,
    SCENE,
    WIDTH,
    colored,
    drawn,
    flat,
    photos,
    picture,
    png,
    points,
    shares,
    write,
)


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
