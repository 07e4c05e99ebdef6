"""Exports of newer tools, written here after the tools' own documentation and code."""

import csv
import json
import math

import numpy as np
import pytest
from labelled import box, garbage, imported_masks, masks
from PIL import Image
from pycocotools import mask as coco
from recycle_data import api
from recycle_datasets.tools import TOOL_READERS
from recycle_engine.api import open_data
from tool_scene import (
    COLORS,
    HEIGHT,
    NAMES,
    SCENE,
    WIDTH,
    by_photo,
    colored,
    drawn,
    expected,
    flat,
    photos,
    picture,
    points,
    write,
)
from tool_scene import NEWER as TRIED

from recyclecli.types import LabelFaults, RecycleError


def pairs(area):
    return [[float(x), float(y)] for x, y in box(*area)]


def shares(area):
    return [{"x": x / WIDTH, "y": y / HEIGHT} for x, y in box(*area)]


def asset(key, tools, **more):
    task = {"taskId": "t", "totalDuration": 1, "stage": "Complete", "tools": tools, "classifications": []}
    about = {"asset": f"https://storage.example.org/{key}.jpg?X=1", "externalId": f"{key}.jpg", "task": task}
    return {**about, "metadata": {"width": WIDTH, "height": HEIGHT}, **more}


def ango(root):
    photos(root)
    found = []
    for key, ((first, area), (second, other)) in SCENE.items():
        told = {"schemaId": "s", "objectId": "o", "metadata": {"createdBy": "somebody@example.org"}}
        zone = {"region": pairs(other), "holes": []}
        tools = [{**told, "title": first, "polygon": pairs(area)}]
        tools.append({**told, "title": second, "segmentation": {"zones": [zone]}})
        tools.append({**told, "title": "glass", "bounding-box": {"x": 1, "y": 1, "width": 2, "height": 2}})
        found.append(asset(key, tools))
    write(root / "export.json", [*found, {"asset": "c", "externalId": "c.jpg", "tasks": []}])
    return ("metal", "paper"), {"boxes": 2, "photos that nobody has labelled": 1}


def ango_old(root):
    ango(root)
    content = json.loads((root / "export.json").read_text())
    for one in content[:2]:
        one["tasks"] = [{"taskId": "t", "objects": one.pop("task")["tools"]}]
    write(root / "export.json", content)
    return ("metal", "paper"), {"boxes": 2}


def playment(root):
    photos(root / "photos")
    for key, ((first, area), (second, other)) in SCENE.items():
        numbered = {f"p{number}": one for number, one in enumerate(shares(other), start=1)}
        polygons = [{"_id": "1", "label": first, "coordinates": shares(area), "state": "editable"}]
        polygons.append({"_id": "2", "label": second, "points": dict(reversed(numbered.items())), "edges": {}})
        answer = {"polygons": {"data": polygons}, "rectangles": {"data": [{"label": "paper", "coordinates": []}]}}
        write(root / f"{key}.json", {"image_url": f"https://example.org/1/{key}.jpg", "maker_response": answer})
    return ("metal", "paper"), {"boxes": 2}


def playment_results(root):
    """What its address of results holds: the photo is called as the file."""
    playment(root)
    for key in SCENE:
        answer = json.loads((root / f"{key}.json").read_text())["maker_response"]
        write(root / f"{key}.json", {"data": {"annotations": {kind: one["data"] for kind, one in answer.items()}}})
    return ("metal", "paper"), {"boxes": 2}


def playment_raster(root):
    photos(root)
    legend = {f"#{bytes(color).hex()}": f"{name} # 7" for name, color in COLORS.items()}
    for key in SCENE:
        alpha = (colored(key).any(axis=2) * 255).astype(np.uint8)
        picture(root / f"masks/{key}-17.png", np.dstack([colored(key), alpha]))
        raster = {"data": {"url": f"https://example.org/{key}-17.png", "legend": legend}}
        write(
            root / f"{key}.json", {"image_url": f"https://example.org/{key}.jpg", "maker_response": {"raster": raster}}
        )
    return ("metal", "paper"), {}


def detectron2(root, segmentation=lambda area: [flat(area)]):
    photos(root / "images")
    dicts = [
        {
            "file_name": f"/home/somebody/images/{key}.jpg",
            "image_id": key,
            "height": HEIGHT,
            "width": WIDTH,
            "annotations": [
                *(
                    {"bbox_mode": 1, "category_id": NAMES.index(name), "segmentation": segmentation(area)}
                    for name, area in objects
                ),
                {"bbox": [0, 0, 1, 1], "bbox_mode": 0, "category_id": 0},
            ],
        }
        for key, objects in SCENE.items()
    ]
    write(root / "dicts.json", dicts)
    write(root / "metadata.json", {"thing_classes": NAMES})
    return NAMES, {"boxes": 2}


def rle(area):
    found = coco.encode(np.asfortranarray(drawn(area).astype(np.uint8)))
    return {"size": found["size"], "counts": found["counts"].decode()}


def detectron2_rle(root):
    return detectron2(root, rle)


def eiseg(root):
    photos(root)
    for key, objects in SCENE.items():
        found = [
            {"name": name, "labelIdx": NAMES.index(name) + 1, "color": [1, 2, 3], "points": pairs(area)}
            for name, area in objects
        ]
        write(root / f"label/{key}.json", found)
    return ("paper", "metal"), {}


def packet(key, found, **more):
    about = {"id": 7, "original_filename": f"{key}.jpg", "ann_is_complete": True, "type": "image"}
    image = {"width": WIDTH, "height": HEIGHT, "rotation_degrees": 0, "original_filename": f"{key}.jpg"}
    return {"file": about, "image": image, "instance_list": found, **more}


def diffgram(root):
    photos(root)
    export = {"readme": {}, "label_map": {str(11 + n): name for n, name in enumerate(NAMES)}, "export_info": {}}
    for number, (key, objects) in enumerate(SCENE.items()):
        found = [
            {"id": 1, "type": "polygon", "label_file_id": 11 + NAMES.index(name), "points": points(area)}
            for name, area in objects
        ]
        found.append({"id": 2, "type": "box", "label_file_id": 11, "x_min": 1, "y_min": 1, "x_max": 3, "y_max": 3})
        export[str(40 + number)] = packet(key, found)
    export["50"] = {"file": {"type": "video", "original_filename": "c.mp4"}, "video": {}, "sequence_list": []}
    write(root / "export.json", {**export, "51": packet("new", [], file={"original_filename": "new.jpg"})})
    return NAMES, {"boxes": 2, "videos and documents": 1, "photos that nobody has labelled": 1}


def diffgram_compound(root):
    diffgram(root)
    export = json.loads((root / "export.json").read_text())
    export["60"] = {"file": {"id": 60, "type": "compound"}, "40": export.pop("40"), "41": export.pop("41")}
    write(root / "export.json", export)
    return NAMES, {"boxes": 2}


def hugging_face(root, spelled=lambda objects: objects):
    rows = []
    for key, objects in SCENE.items():
        areas = [[flat(objects[0][1])], pairs(objects[1][1])]
        found = {"segmentation": areas, "categories": [name for name, _ in objects], "bbox": [[1, 1, 2, 2]] * 2}
        rows.append({"file_name": f"{key}.jpg", "objects": spelled(found)})
    photos(root / "data")
    write(root / "data/metadata.jsonl", "\n".join(map(json.dumps, [*rows, {"file_name": "c.jpg"}])))
    return ("metal", "paper"), {"photos that nobody has labelled": 1}


def hugging_face_objects(root):
    """A list of objects in the place of lists by what they hold, boxes among them."""

    def spelled(found):
        objects = zip(found["segmentation"], found["categories"], strict=True)
        return [{"segmentation": area, "category": name} for area, name in objects] + [{"bbox": [1, 1, 2, 2]}]

    hugging_face(root, spelled)
    return ("metal", "paper"), {"boxes": 2}


def hugging_face_csv(root, spelled=repr):
    hugging_face(root)
    rows = [json.loads(line) for line in (root / "data/metadata.jsonl").read_text().split("\n")]
    (root / "data/metadata.jsonl").unlink()
    with (root / "data/metadata.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["file_name", "objects"])
        table.writerows([row["file_name"], spelled(row["objects"]) if "objects" in row else ""] for row in rows)
    return ("metal", "paper"), {"photos that nobody has labelled": 1}


def hugging_face_csv_json(root):
    return hugging_face_csv(root, json.dumps)


def hugging_face_numbers(root):
    """Numbers of classes that the card names, and RLEs, in the row itself."""
    rows = [
        {
            "image_file_name": f"{key}.jpg",
            "height": HEIGHT,
            "width": WIDTH,
            "segmentation": [rle(area) for _, area in objects],
            "category": [NAMES.index(name) for name, _ in objects],
        }
        for key, objects in SCENE.items()
    ]
    photos(root)
    write(root / "metadata.jsonl", "\n".join(map(json.dumps, rows)))
    names = "".join(f"          '{number}': {name}\n" for number, name in enumerate(NAMES))
    card = f"dataset_info:\n  features:\n  - name: category\n    sequence:\n      class_label:\n        names:\n{names}"
    write(root / "README.md", f"---\n{card}---\n# A set\n")
    return NAMES, {}


NEWER = {
    "ango": (ango, ango_old),
    "diffgram": (diffgram, diffgram_compound),
    "hugging-face": (
        *(hugging_face, hugging_face_objects, hugging_face_csv, hugging_face_csv_json, hugging_face_numbers),
    ),
    "playment": (playment, playment_results, playment_raster),
    "detectron2": (detectron2, detectron2_rle),
    "eiseg": (eiseg,),
}
CASES = [(name, make) for name, makers in NEWER.items() for make in makers]


def test_each_tool_is_tried():
    assert {*TRIED} == {*NEWER} <= {*TOOL_READERS}


@pytest.mark.parametrize(("layout", "make"), CASES, ids=[make.__name__ for _, make in CASES])
def test_pixels_classes_and_what_is_left_out(tmp_path, layout, make):
    names, left_out = make(tmp_path / "src/deeper")
    garbage(tmp_path / "src/others")
    done, found = imported_masks(tmp_path / "src", tmp_path / "out")
    assert (done.taken.layout.name, done.class_names) == (layout, ("Background", *names))
    assert by_photo(found) == expected(names)
    assert {key: done.left_out.get(key) for key in left_out} == left_out
    assert "example.org" not in "".join(file.read_text(encoding="utf-8") for file in done.files)
    assert by_photo(masks(open_data(tmp_path / "src/deeper", dataset=layout))) == expected(names)


def test_holes_and_later_objects_of_ango(tmp_path):
    zone = {"region": pairs((2, 2, 20, 20)), "holes": [pairs((8, 8, 14, 14))]}
    tools = [
        {"title": "metal", "polygon": pairs((9, 9, 12, 12))},
        {"title": "paper", "segmentation": {"zones": [zone]}},
    ]
    tools.append({"title": "paper", "segmentation": {"zones": []}})
    tools.append({"title": "paper", "polygon": pairs((0, 0, 10, 10))})  # larger, and over what was drawn before
    photos(tmp_path)
    write(tmp_path / "export.json", [asset("a", tools)])
    done, found = imported_masks(tmp_path, tmp_path.parent / f"{tmp_path.name}-out")
    truth = drawn((9, 9, 12, 12)) * 1
    truth[drawn((2, 2, 20, 20)) & ~drawn((8, 8, 14, 14))] = 2
    truth[drawn((0, 0, 10, 10))] = 2
    assert np.array_equal(found["a.jpg"], truth)
    assert done.left_out["segmentations without points: export with Segmentation Points"] == 1


def test_ellipses_and_merged_polygons_of_diffgram(tmp_path, logged):
    merged = [
        {**point, "figure_id": one} for one in "ab" for point in points((2, 2, 8, 8) if one == "a" else (20, 2, 26, 8))
    ]
    across = {"center_x": 14, "center_y": 16, "width": 9, "height": 4, "angle": math.pi / 2}
    found = [
        {"type": "polygon", "label_file_id": 1, "points": merged},
        {"type": "ellipse", "label_file_id": 2, **across},
    ]
    turned = packet("a", found)
    turned["image"]["rotation_degrees"] = 180
    photos(tmp_path)
    write(tmp_path / "export.json", {"label_map": {"1": "paper", "2": "metal"}, "export_info": {}, "7": turned})
    _, masked = imported_masks(tmp_path, tmp_path.parent / f"{tmp_path.name}-out")
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    oval = ((x - 14) / 4) ** 2 + ((y - 16) / 9) ** 2 <= 1  # a quarter turn: the longer radius goes down
    assert np.array_equal(masked["a.jpg"] == 1, drawn((2, 2, 8, 8)) | drawn((20, 2, 26, 8)))
    assert np.count_nonzero((masked["a.jpg"] == 2) != oval) <= 4
    assert "1 photo labelled after a rotation in Diffgram, as 'a.jpg'" in logged()


def test_masks_of_playment_that_are_links(tmp_path):
    playment_raster(tmp_path)
    for file in (tmp_path / "masks").iterdir():
        file.unlink()
    with pytest.raises(RecycleError, match=r"masks that are links to a server, .*\(2\)") as caught:
        api.import_data(tmp_path, None)
    assert "under the names at the end of the links" in caught.value.remedy


def test_detectron2_without_names(tmp_path, logged):
    detectron2(tmp_path)
    write(tmp_path / "metadata.json", {"thing_classes": NAMES[:1]})
    assert api.import_data(tmp_path, None).class_names == ("Background", "paper", "class-1")
    assert "classes from 1 to 1 are called by number" in logged()


def test_masks_of_eiseg_go_before_its_polygons(tmp_path):
    eiseg(tmp_path)
    for key in SCENE:
        picture(tmp_path / f"label/{key}.png", drawn((1, 1, 5, 5)).astype(np.uint8))
    assert api.import_data(tmp_path, None).taken.layout.name == "mask-folder"


@pytest.mark.parametrize(
    ("make", "file", "old", "new", "says"),
    [
        (ango, "export.json", "[2.0, 2.0]", '["x", 2.0]', "a.jpg, object 1: its points are no pairs of finite numbers"),
        (playment, "a.json", '"x": 0.0625', '"x": null', "a.jpg, polygon 1: its points are no pairs"),
        (detectron2, "dicts.json", '"category_id": 1', '"category_id": "metal"', "its category_id is 'metal'"),
        (
            detectron2,
            "dicts.json",
            '"segmentation": [[',
            '"segmentation": 3, "x": [[',
            "annotation 1: its points are no",
        ),
        (eiseg, "label/a.json", "[2.0, 2.0]", "[1e400, 2.0]", "a.json, 1: its points are no pairs"),
        (diffgram, "export.json", '"label_file_id": 12', '"label_file_id": 99', "does not name its label_file_id, 99"),
        (diffgram, "export.json", '"x": 2.0', '"x": "two"', "a.jpg, instance 1: its points are no pairs"),
    ],
)
def test_labels_that_cannot_be_used(tmp_path, make, file, old, new, says):
    make(tmp_path)
    text = (tmp_path / file).read_text()
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new, 1))
    with pytest.raises(LabelFaults, match=says):
        api.import_data(tmp_path, None)
    left_out = api.import_data(tmp_path, None, drop_unreadable=True).left_out
    assert left_out["labels that cannot be used"] == 1


def test_a_mask_of_playment_of_another_size(tmp_path):
    playment_raster(tmp_path)
    Image.new("RGBA", (4, 4), (*COLORS["paper"], 255)).save(tmp_path / "masks/a-17.png")
    with pytest.raises(LabelFaults, match="a mask of it 4x4"):
        api.import_data(tmp_path, None)
