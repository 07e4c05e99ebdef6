"""Exports of tools and of public sets, written after their own documentation, and the table of all of them."""

import base64
import json
import shutil

import numpy as np
import pytest
from exports_of_platforms import (
    azure_ml,
    dataloop,
    dataturks,
    encord,
    hasty,
    kili,
    labelbee,
    labelu,
    sagemaker,
    scalabel,
    scale,
    segments_ai,
    segments_ai_polygons,
    superannotate,
    superannotate_old,
    superannotate_pixels,
    ultralytics,
    unity,
    universal_data_tool,
    vertex_ai,
    vertex_ai_polygons,
)
from labelled import box, photo
from tool_scene import HEIGHT, NAMES, SCENE, WIDTH, colored, drawn, flat, photos, picture, points, runs, truth, write


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
