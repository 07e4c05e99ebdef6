"""Outlines that YOLO's label files are written of: the objects' own, of the same pixels, each filled once."""

import json

import numpy as np
import pycocotools.mask
import pytest
from PIL import Image
from recycle_coco import rasterise
from recycle_data import api

HEIGHT, WIDTH = 1080, 1917


@pytest.mark.parametrize("digits", [0, 1, 2, 5])
def test_an_outline_is_kept_and_filled_once(tmp_path, monkeypatch, digits):
    """A corner between two fifths of a pixel, as x.1 and x.3, fell to the other, and the outline was traced anew."""
    chance = np.random.default_rng(digits)
    shapes = [(chance.random((9, 2)) * (WIDTH, HEIGHT)).round(digits).clip(0, (WIDTH, HEIGHT)) for _ in range(20)]
    shapes[0][0] = (WIDTH, HEIGHT)
    (tmp_path / "data/images").mkdir(parents=True)
    for number, name in enumerate("ab"):
        Image.new("RGB", (WIDTH, HEIGHT), (number, 9, 9)).save(tmp_path / f"data/images/{name}.jpg")
    content = {
        "images": [
            {"id": number, "file_name": f"images/{name}.jpg", "width": WIDTH, "height": HEIGHT}
            for number, name in enumerate("ab", start=1)
        ],
        "annotations": [
            {
                "id": number,
                "image_id": 1 + (number > 1),
                "category_id": 1,
                "iscrowd": 0,
                "segmentation": [shape.ravel().tolist()],
            }
            for number, shape in enumerate(shapes, start=1)
        ],
        "categories": [{"id": 1, "name": "Paper"}],
    }
    (tmp_path / "data/annotations.json").write_text(json.dumps(content))
    filled = []
    fill = pycocotools.mask.frPyObjects
    monkeypatch.setattr(pycocotools.mask, "frPyObjects", lambda *parts: filled.append(parts) or fill(*parts))
    api.convert(tmp_path / "data", tmp_path / "out", "coco", "yolo")
    assert len(filled) == len(shapes) + 2, "the first photo is looked at before"
    lines = [line for name in "ab" for line in (tmp_path / f"out/labels/{name}.txt").read_text().splitlines()]
    written = [np.array(line.split()[1:], float).reshape(-1, 2) * (WIDTH, HEIGHT) for line in lines]
    assert {len(shape) for shape in written} == {9}
    wanted = {rasterise([shape.ravel().tolist()], HEIGHT, WIDTH)["counts"] for shape in shapes}
    assert {rasterise([shape.ravel().tolist()], HEIGHT, WIDTH)["counts"] for shape in written} == wanted
