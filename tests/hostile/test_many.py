"""Small files that stand for very much: refused, or read in the time that their size asks for."""

import json

import pytest
from attacking import attack
from support import coco, write_coco

SECONDS = 30
WIDTH, HEIGHT = 12_000, 8_000  # as a file says of a photo that nobody has
COMB = {"size": [HEIGHT, WIDTH], "counts": [HEIGHT] * WIDTH}
CORNERS = {"size": [HEIGHT, WIDTH], "counts": [0, 1, HEIGHT * WIDTH - 2, 1]}
SHAPES = {  # name: shapes, and what is said of them
    "every second column": ([COMB], "48,000,000 runs of pixels"),
    "two far pixels, 300 times": ([CORNERS] * 300, ""),
}


@pytest.mark.parametrize("tool", ["cvat", "label-studio"])
@pytest.mark.parametrize("name", SHAPES)
def test_shapes_that_are_exported_for_tools(tmp_path, name, tool):
    """They need no photo, and were held pixel by pixel, all of them."""
    shapes, says = SHAPES[name]
    content = coco(1)
    content["images"][0] |= {"width": WIDTH, "height": HEIGHT}
    one = {**content["annotations"][0], "iscrowd": 1}
    content["annotations"] = [{**one, "id": number, "segmentation": shape} for number, shape in enumerate(shapes, 1)]
    (tmp_path / "a.json").write_text(json.dumps(content))
    line = ["data", "export", "a.json", "o", "--to", tool]
    text = attack(*line, cwd=tmp_path, codes={2} if says else {0}, seconds=SECONDS)
    assert says in text


def test_a_json_object_of_many_keys(tmp_path):
    """Each was looked for in the whole text."""
    write_coco(tmp_path, coco(2))
    file = tmp_path / "annotations.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **{f"key {number}": 0 for number in range(300_000)}}))
    attack("data", "check", "--labels-only", "--data", tmp_path, cwd=tmp_path, codes={0, 1}, seconds=SECONDS)
