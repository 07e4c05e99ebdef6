"""Photos that lie elsewhere than their labels name them: used, and said, whatever tool wrote the labels."""

import json

import numpy as np
import pytest
from PIL import Image
from recycle_engine import api

POINTS = [[4, 4], [30, 4], [30, 30]]


def coco(name):
    polygon = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[4, 4, 30, 4, 30, 30]]}
    image = {"id": 1, "file_name": name, "width": 40, "height": 40}
    return {"images": [image], "annotations": [polygon], "categories": [{"id": 1, "name": "Paper"}]}


def labelme(name):
    shape = {"label": "Paper", "points": POINTS, "shape_type": "polygon", "flags": {}, "group_id": None}
    size = {"imageHeight": 40, "imageWidth": 40}
    return {"version": "5.0", "flags": {}, "shapes": [shape], "imagePath": name, "imageData": None, **size}


def via(name):
    outline = {"name": "polygon", "all_points_x": [4, 30, 30], "all_points_y": [4, 4, 30]}
    region = {"shape_attributes": outline, "region_attributes": {"class": "Paper"}}
    return {f"{name}1": {"filename": name, "size": 1, "regions": [region], "file_attributes": {}}}


def cvat(name):
    polygon = '<polygon label="Paper" points="4,4;30,4;30,30" z_order="0"/>'
    image = f'<image id="0" name="{name}" width="40" height="40">{polygon}</image>'
    return f"<annotations><version>1.1</version>{image}</annotations>"


@pytest.mark.parametrize(
    ("file", "content", "name"),
    [
        ("annotations.json", coco, "D:\\old\\a.jpg"),
        ("a.json", labelme, "..\\old\\a.jpg"),
        ("via.json", via, "old/a.jpg"),
        ("annotations.xml", cvat, "batch 7/a.jpg"),
    ],
)
@pytest.mark.parametrize("moved", [True, False])
def test_import_says_where_photos_are(tmp_path, logged, file, content, name, moved):
    name = name if moved else "a.jpg"
    photo = tmp_path / "in" / ("pics/a.jpg" if moved else "images/a.jpg" if file == "annotations.xml" else "a.jpg")
    photo.parent.mkdir(parents=True)
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(photo)
    labels = content(name)
    (tmp_path / "in" / file).write_text(labels if isinstance(labels, str) else json.dumps(labels))
    api.import_data(tmp_path / "in", tmp_path / "out")
    said = logged()
    assert ("1 photo lies elsewhere than it says" in said and "is pics/a.jpg" in said) == moved


@pytest.mark.parametrize("place", ["C:\\\\x\\\\photos", "photos"])
def test_folders_of_yolo_that_lie_elsewhere_are_said(tmp_path, logged, place):
    for folder in ("photos", "labels"):
        (tmp_path / "in" / folder).mkdir(parents=True)
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(tmp_path / "in/photos/a.jpg")
    (tmp_path / "in/labels/a.txt").write_text("0 .1 .1 .5 .1 .5 .5\n")
    (tmp_path / "in/data.yaml").write_text(f'names: [Paper]\ntrain: "{place}"\nval: "{place}"\n')
    api.import_data(tmp_path / "in", tmp_path / "out")
    assert ("is not there, and" in logged()) == (place != "photos")
