"""Small files that stand for very much: refused, or read in the time that their size asks for."""

import json
import math

import pytest
from attacking import attack
from PIL import Image
from support import coco, write_coco

SECONDS = 30
WIDTH, HEIGHT = 12_000, 8_000  # as a file says of a photo that nobody has
COMB = {"size": [HEIGHT, WIDTH], "counts": [HEIGHT] * WIDTH}
CORNERS = {"size": [HEIGHT, WIDTH], "counts": [0, 1, HEIGHT * WIDTH - 2, 1]}
SHAPES = {  # name: shapes, and what is said of them
    "every second column": ([COMB], "48,000,000 runs of pixels"),
    "two far pixels, 300 times": ([CORNERS] * 300, ""),
}


@pytest.mark.parametrize(
    "tool", ["label-studio", pytest.param("cvat", marks=pytest.mark.slow("as of the other tool, by the same reader"))]
)
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


def spikes(corners=1000):
    """An outline from the middle to the edges and back, time and again."""
    turns = [(2 * math.pi * number / corners, 0.3 + 0.6 * (number % 2)) for number in range(corners)]
    return [
        side / 2 * (1 + far * axis(turn))
        for turn, far in turns
        for side, axis in ((WIDTH, math.cos), (HEIGHT, math.sin))
    ]


@pytest.mark.parametrize(
    ("line", "codes"),
    [("data check d --labels-only", {1}), ("data stats --data d", {2}), ("data import d o", {2})],
)
def test_outlines_that_take_minutes_to_be_filled(tmp_path, line, codes):
    content = coco(1)
    content["images"][0] |= {"width": WIDTH, "height": HEIGHT}
    one = {**content["annotations"][0], "segmentation": [spikes()]}
    content["annotations"] = [{**one, "id": number} for number in range(1, 201)]
    write_coco(tmp_path / "d", coco(1))
    if "import" in line:
        Image.new("L", (WIDTH, HEIGHT)).save(tmp_path / "d/images/1.jpg")
    (tmp_path / "d/annotations.json").write_text(json.dumps(content))
    assert "pixels long together" in attack(*line.split(), cwd=tmp_path, codes=codes, seconds=SECONDS)


def yolo(folder):
    (folder / "data.yaml").write_text("train: .\nnames: [x]\n")
    (folder / "a.txt").write_text("0 0 0 1 0 1 1\n" * 1_000_000)


def coco_file(folder):
    content = coco(1)
    content["images"][0] |= {"file_name": "a.png"}
    content["annotations"] = content["annotations"][:1] * 100_001
    (folder / "a.json").write_text(json.dumps(content))


def prodigy(folder):
    span = {"label": "x", "points": [[1, 1], [9, 1], [9, 9]]}
    line = json.dumps(
        {"image": "a.png", "width": 32, "height": 32, "spans": [span], "_task_hash": 1, "answer": "accept"}
    )
    (folder / "a.jsonl").write_text(f"{line}\n" + "{}\n" * 3_000_000)


@pytest.mark.parametrize(
    ("make", "says"),
    [(yolo, "1,000,000 lines"), (coco_file, "100,001 objects"), (prodigy, "3,000,001 lines")],
)
def test_a_million_records(tmp_path, make, says):
    folder = tmp_path / "export"
    folder.mkdir()
    Image.new("RGB", (32, 32)).save(folder / "a.png")
    make(folder)
    assert says in attack("data", "import", folder, "o", cwd=tmp_path, codes={2}, seconds=SECONDS)
