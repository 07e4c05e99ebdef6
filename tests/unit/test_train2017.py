"""What 118,000 photos with 860,000 outlines need: counted without painting, and little of it in memory at once."""

import gc
import json
import tracemalloc
from importlib import import_module
from io import StringIO

import numpy as np
import pytest
from PIL import Image
from recycle_coco import CocoSource, paint
from recycle_coco.paint import painted_areas
from recycle_coco.table import lines_of
from recycle_data.check import geometry, shapes
from recycle_data.duplicates import _candidates
from recycle_data.folds import _PartText
from recycle_data.identity import IDENTITY
from recycle_data.stats import source_stats
from support import coco, recycle_here, write_coco

from recyclecli.types import IGNORE, Annotation


def overlaid(chance):
    """Some shapes that lie over each other, regions, ignored ones and another level among them."""
    found = []
    for number in range(int(chance.integers(0, 12))):
        corners = chance.integers(-5, 45, 2 * int(chance.integers(2, 6))).astype(float).tolist()
        label = int(chance.choice([0, 1, 2, IGNORE]))
        found.append(Annotation(number, label, [corners], None, bool(chance.random() < 0.3), level=number % 5 == 0))
    return found


def test_areas_are_those_of_what_is_painted():
    chance = np.random.default_rng(0)
    for _ in range(50):
        annotations = overlaid(chance)
        single = np.array([not one.iscrowd and one.label != IGNORE for one in annotations], bool)
        own, seen = painted_areas(annotations, 40, 30)
        mask, instances = paint(annotations, 40, 30, ground=3)
        assert np.bincount(instances.ravel(), minlength=len(own) + 1)[1:].tolist() == (seen * single).tolist()
        labels = np.bincount([one.label for one in annotations], seen, 256)
        assert [label for label in np.flatnonzero(labels).tolist() if (mask == label).sum() != labels[label]] == []
        assert (own >= seen).all()


def test_figures_are_the_same_with_so_many_runs_that_they_are_painted(tmp_path, monkeypatch):
    content = coco(6)
    content["annotations"] += [
        {**one, "id": one["id"] + 100, "iscrowd": one["id"] % 2, "category_id": 3 - one["category_id"]}
        for one in content["annotations"]
    ]
    source = CocoSource(tmp_path, write_coco(tmp_path, content, photos=False), crowds="regions")
    without = source_stats(source).as_dict()
    monkeypatch.setattr(import_module("recycle_coco.paint"), "MAX_COMPARED_CHARACTERS", 0)
    assert source_stats(source).as_dict() == without


def test_the_shapes_of_few_photos_are_held_while_they_are_checked(monkeypatch):
    monkeypatch.setattr(geometry, "NUMBERS_AT_A_TIME", 1)
    content = coco(200)
    content["annotations"] = [{**one, "bbox": [0, 0, 1, 1]} for one in reversed(content["annotations"])]
    most = found = 0
    for fault in shapes.lint_shapes(content, "a.json", 0):
        found += fault.code == "bbox-mismatch"
        if found % 50 == 0:
            most = max(most, sum(isinstance(one, geometry.MeasuredShape) for one in gc.get_objects()))
    assert found == len(content["annotations"]) > 100
    assert most < 10


def test_photos_are_compared_in_little_more_memory_than_they_take():
    photos = np.zeros(3000, IDENTITY)  # none is readable
    tracemalloc.start()
    assert list(_candidates(photos, photos)) == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < photos.nbytes


def test_files_of_folds_are_written_piece_by_piece():
    content = coco(50)
    pieces = list(_PartText(content).of(range(50)))
    assert max(map(len, pieces)) < len("".join(pieces)) / 10


OUTLINE = {"name": "polygon", "all_points_x": [1, 9, 9], "all_points_y": [1, 1, 9]}


def via(rows):
    cells = (json.dumps(one).replace('"', '""') for one in (OUTLINE, {"class": "x"}))
    row = 'a.png,1,"{}",1,0,' + ",".join(f'"{cell}"' for cell in cells)
    heads = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes"
    return "\n".join([heads, *[row] * rows])


def run_lengths(rows):
    return "\n".join(["ImageId,ClassId,EncodedPixels", *["a.png,1,1 3"] * rows])


def lines(rows):
    span = {"label": "x", "type": "polygon", "points": [[1, 1], [9, 1], [9, 9]]}
    one = {"image": "a.png", "width": 32, "height": 32, "spans": [span], "_task_hash": 1, "answer": "accept"}
    return "\n".join([json.dumps(one)] * rows)


@pytest.mark.parametrize(("make", "name"), [(via, "via.csv"), (run_lengths, "train.csv"), (lines, "a.jsonl")])
def test_tables_of_more_rows_than_are_given_memory_are_refused(tmp_path, make, name):
    folder = tmp_path / "export"
    folder.mkdir()
    Image.new("RGB", (32, 32)).save(folder / "a.png")
    (folder / name).write_text(make(600))
    line = ("data", "import", folder, tmp_path / "o")
    refused = recycle_here(*line, cwd=tmp_path, env={"RECYCLE_MAX_JSON": "300000"})
    assert refused.returncode == 2
    assert f"{name} takes about" in refused.stderr
    assert "export RECYCLE_MAX_JSON=" in refused.stderr
    (folder / name).write_text(make(2))
    assert recycle_here(*line, cwd=tmp_path, env={"RECYCLE_MAX_JSON": "300000"}).returncode == 0


@pytest.mark.parametrize("text", ["", "a", "a\n", 'a,"b\nc"\n\nd\u2028e\x0bf', "\n\n"])
def test_lines_are_those_of_a_file(text):
    assert list(lines_of(text)) == list(StringIO(text))
