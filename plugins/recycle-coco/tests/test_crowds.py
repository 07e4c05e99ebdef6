"""What `iscrowd: 1` means, and train.json with val.json as one source."""

import json

import numpy as np
import pytest
from recycle_coco import CocoSource, encode
from recycle_data.convert import convert
from recycle_data.stats import source_stats
from recycle_engine import api
from support import coco, recycle_here, write_coco

from recyclecli.errors import RecycleError


def brushed(root, crowds=6):
    """Six photos with one RLE each, as tools write what is drawn with a brush; the first `crowds` are crowds."""
    content = coco(6)
    pixels = np.zeros((32, 32), np.uint8)
    pixels[4:20, 4:20] = 1
    for number, one in enumerate(content["annotations"]):
        one |= {"segmentation": encode(pixels), "area": 256, "bbox": [4, 4, 16, 16], "iscrowd": int(number < crowds)}
    write_coco(root, content)
    return root


def source_of(root, crowds="auto"):
    return CocoSource(root, root / "annotations.json", crowds=crowds)


@pytest.mark.parametrize(
    ("crowds", "meaning", "objects", "regions"),
    [(6, "auto", 6, 0), (6, "regions", 0, 6), (2, "auto", 4, 2), (2, "objects", 6, 0), (0, "auto", 6, 0)],
)
def test_what_they_are(tmp_path, crowds, meaning, objects, regions):
    source = source_of(brushed(tmp_path, crowds), meaning)
    found = source_stats(source)
    assert (int(found.objects.sum()), int(found.crowds.sum())) == (objects, regions)
    assert sum(one["iscrowd"] for one in source.document["annotations"]) == regions
    assert int((source.read_labels(0)[1] > 0).sum()) == (0 if regions else 256)
    assert int((source.read_labels(0)[0] > 0).sum()) == 256  # what is painted is the same


def test_ignored_regions_are_no_objects(tmp_path):
    root = brushed(tmp_path)
    content = json.loads((root / "annotations.json").read_text())
    content["categories"].append({"id": 9, "name": "ignore"})
    content["annotations"][0]["category_id"] = 9
    (root / "annotations.json").write_text(json.dumps(content))
    source = source_of(root)
    assert [record.annotations[0].iscrowd for record in map(source.record, range(2))] == [True, False]


def test_yolo_files_hold_them_as_objects(tmp_path, registry):
    root = brushed(tmp_path / "data")
    done = convert(registry, root, tmp_path / "y", "coco", "yolo")
    assert (done.photos, done.labels, done.left_out) == (6, 6, 0)
    assert (api.open_data(tmp_path / "y", dataset="yolo").read(1).mask == source_of(root).read(1).mask).all()


def test_what_a_format_cannot_hold_is_no_success(tmp_path):
    brushed(tmp_path / "data", 2)
    line = ["data", "convert", "data", "y", "--from", "coco", "--to", "yolo"]
    done = recycle_here(*line, cwd=tmp_path)
    assert (done.returncode, "6 photos, 4 lines, 2 regions left out" in done.stderr) == (1, True)
    done = recycle_here(*line, "--crowds", "objects", "--force", cwd=tmp_path)
    assert (done.returncode, "6 photos, 6 lines\n" in done.stderr) == (0, True)


def test_stats_and_check_count_them_apart(tmp_path):
    brushed(tmp_path, 2)
    done = recycle_here("data", "stats", "--data", ".", cwd=tmp_path, env={"COLUMNS": "200"})
    assert "crowds: 2 regions of no single object, in no count of objects: Paper 1, Metal 1" in done.stdout
    done = recycle_here("data", "check", "--data", ".", cwd=tmp_path)
    assert (done.returncode, "2 of 6: iscrowd is 1" in done.stdout) == (0, True)
    brushed(tmp_path)
    done = recycle_here("data", "stats", "--data", ".", cwd=tmp_path)
    assert "all annotations (6) are crowds (iscrowd 1): taken for objects; --crowds regions" in done.stderr


def pair(root, categories=(("Paper", 1), ("Metal", 2))):
    """train.json with four photos and val.json with two others, whose ids are the same."""
    write_coco(root, coco(4), "train.json")
    content = coco(2, categories=categories)
    for image in content["images"]:
        image["file_name"] = f"images/v{image['id']}.jpg"
    write_coco(root, content, "val.json")
    return root


class TestPair:
    def test_one_source(self, tmp_path):
        source = api.open_data(pair(tmp_path))
        assert [len(source.splits[split]) for split in ("train", "val")] == [4, 2]
        assert [source.record(index).file_name for index in (3, 4)] == ["images/4.jpg", "images/v1.jpg"]
        alone = CocoSource(tmp_path, tmp_path / "val.json")
        assert (source.read(4).mask == alone.read(0).mask).all()
        assert len({one["id"] for one in source.document["annotations"]}) == 6

    def test_categories_go_by_name(self, tmp_path):
        source = api.open_data(pair(tmp_path, (("Paper", 7), ("Metal", 3))))
        alone = CocoSource(tmp_path, tmp_path / "val.json")
        for index in range(2):
            label = source.record(4 + index).annotations[0].label
            assert source.class_names[label] == alone.class_names[alone.record(index).annotations[0].label]

    def test_categories_that_none_names(self, tmp_path):
        pair(tmp_path, (("Paper", 1), ("Glass", 2)))
        with pytest.raises(RecycleError, match="none of them names all"):
            api.open_data(tmp_path)

    def test_folds_deal_out_both(self, tmp_path):
        folds, _ = api.kfold(pair(tmp_path), 3)
        assert sum(map(len, folds.photos)) == 6
        split = api.split({"data.root": tmp_path, "data.fold": 1})
        assert len(split.train) + len(split.val) == 6
        assert "passed over: the split that the data names" in split.how

    @pytest.mark.parametrize("form", ["coco", "masks", "yolo"])
    def test_converted_splits_stay(self, tmp_path, registry, form):
        convert(registry, pair(tmp_path / "data"), tmp_path / "out", "coco", form)
        split = api.split({"data.root": tmp_path / "out", "data.dataset": form})
        assert (len(split.train), len(split.val)) == (4, 2)
        before = api.split({"data.root": tmp_path / "data"})
        for side in ("train", "val"):
            old, new = getattr(before, side), getattr(split, side)
            by_name = {new.record(k).file.stem: new.read(k).mask for k in range(len(new))}
            for k in range(len(old)):
                assert (by_name[old.record(k).file.stem] == old.read(k).mask).all()


@pytest.mark.parametrize("line", [("kfold", "--n", "2"), ("show",)], ids=["kfold", "show"])
def test_who_says_what_crowds_are_is_told_no_guess(tmp_path, line):
    brushed(tmp_path / line[0])  # a note is said once for each path
    for meaning in ((), ("--crowds", "regions")):
        done = recycle_here("data", *line, "--data", line[0], "--force", *meaning, cwd=tmp_path)
        assert (done.returncode, "taken for objects" in done.stderr) == (0, not meaning), done.stderr
