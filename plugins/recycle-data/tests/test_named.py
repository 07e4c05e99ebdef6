"""The splits that the data names itself: what is trained on, judged on and dealt out by folds."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from recycle_data.check import check_contents
from recycle_data.check.source import content_of, lint_source
from recycle_data.named_splits import named_splits
from recycle_engine import api
from support import coco, recycle_here, write_coco

from recyclecli.errors import LabelFaults, RecycleError
from recyclecli.types import Record

SQUARE = "0 0.1 0.1 0.9 0.1 0.9 0.9\n"


class Named:
    """Photos of these names."""

    class_names = ("Background", "Paper")

    def __init__(self, *names, splits=None):
        self._names = names
        if splits is not None:
            self.splits = splits

    def __len__(self):
        return len(self._names)

    def record(self, index):
        return Record(Path(self._names[index]), self._names[index], 8, 8)


def yolo(root, photos, yaml):
    """Photos of `{folder: count}`, each with a label file of one polygon, and a data.yaml."""
    for folder, count in photos.items():
        for number in range(count):
            place = root / folder / f"{folder.replace('/', '-')}-{number}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            noise = np.random.default_rng([number, len(folder)]).integers(0, 255, (16, 16, 3), np.uint8)
            Image.fromarray(noise).save(place)
            labels = Path(*["labels" if part == "images" else part for part in place.relative_to(root).parts])
            (root / labels).parent.mkdir(parents=True, exist_ok=True)
            (root / labels).with_suffix(".txt").write_text(SQUARE * 2)
    (root / "data.yaml").write_text(yaml)
    return root


def names(source):
    return {source.record(index).file_name.split("/")[-1] for index in range(len(source))}


def split_of(root, **more):
    return api.split({"data.root": root, "data.dataset": "yolo", **more})


class TestNames:
    @pytest.mark.parametrize(
        "folders",
        [("images/train", "images/val"), ("train/images", "valid/images"), ("images/training", "images/validation")],
    )
    def test_by_folders(self, folders):
        found = named_splits(Named(f"{folders[1]}/a.jpg", f"{folders[0]}/b.jpg", f"{folders[0]}/c.jpg"))
        assert (found.train, found.val, found.test, found.dealt) == ((1, 2), (0,), (), (0, 1, 2))

    def test_test_photos_are_not_dealt(self):
        found = named_splits(Named("train/a.jpg", "test/b.jpg", "more/c.jpg"))
        assert (found.train, found.val, found.test, found.dealt) == ((0,), (), (1,), (0, 2))

    @pytest.mark.parametrize("photos", [("train/a.jpg", "bus/b.jpg"), ("test/a.jpg", "b.jpg"), ("a/train/b.jpg",)])
    def test_folders_that_are_no_splits(self, photos):
        found = named_splits(Named(*photos))
        assert not found.train
        assert len(found.dealt) == len(photos)

    def test_one_folder_for_all_is_no_split(self):
        found = named_splits(Named("a.jpg", "b.jpg", splits={"train": (0, 1), "val": (0, 1), "test": (0, 1)}))
        assert (found.val, found.test, found.dealt) == ((), (), (0, 1))

    def test_a_photo_for_training_and_test(self):
        with pytest.raises(RecycleError, match=r"both for training and for the test, as 'b\.jpg'"):
            named_splits(Named("a.jpg", "b.jpg", splits={"train": (0, 1), "test": (1,)}))


class TestYolo:
    YAML = "names: [Paper]\ntrain: images/train\nval: images/val\ntest: images/test\n"
    PHOTOS = {"images/train": 4, "images/val": 2, "images/test": 3}

    def test_trains_on_its_own_split(self, tmp_path):
        split = split_of(yolo(tmp_path, self.PHOTOS, self.YAML))
        assert names(split.train) == {f"images-train-{number}.png" for number in range(4)}
        assert names(split.val) == {"images-val-0.png", "images-val-1.png"}
        assert "3 test photos" in split.how
        again = split_of(tmp_path, **{"data.split": split.data.split, "data.fingerprint": split.data.fingerprint})
        assert names(again.val) == names(split.val)

    @pytest.mark.parametrize("more", [{"data.split": "random"}, {"data.fold": 0}])
    def test_no_way_trains_on_test_photos(self, tmp_path, more):
        yolo(tmp_path, self.PHOTOS, self.YAML)
        folds, _ = api.kfold(tmp_path, 2, dataset="yolo")
        assert sorted(index for photos in folds.photos for index in photos) == list(range(6))
        split = split_of(tmp_path, **more)
        assert len(names(split.train) | names(split.val)) == 6
        assert not any("test" in name for name in names(split.train) | names(split.val))
        assert "passed over: 3 test photos, the split that the data names" in split.how
        listed = json.loads((tmp_path / "kfold_0_train.json").read_text())["images"]
        assert not any("test" in image["file_name"] for image in listed)

    def test_a_run_that_knew_of_no_test_photos_can_be_read(self, tmp_path, registry):
        from recycle_data.resolve import resolve
        from recycle_data.splits import _fingerprint, _whole_split

        yolo(tmp_path, self.PHOTOS, self.YAML)
        data = resolve(registry, None, {"data.root": tmp_path, "data.dataset": "yolo", "data.split": "random"}).data
        before = _whole_split(registry, data, 0, test_photos=True)
        split = split_of(tmp_path, **{"data.split": "random", "data.fingerprint": _fingerprint(before)})
        assert len(split.train) + len(split.val) == 9

    def test_a_test_folder_that_is_not_there(self, tmp_path, logged):
        yaml = "names: [Paper]\ntrain: ../train/images\nval: ../valid/images\ntest: ../test/images\n"
        split = split_of(yolo(tmp_path, {"train/images": 3, "valid/images": 2}, yaml))
        assert (len(split.train), len(split.val)) == (3, 2)
        assert "test: ../test/images is not there" in logged()

    def test_training_photos_that_are_not_there(self, tmp_path):
        with pytest.raises(RecycleError, match="train does not exist"):
            split_of(yolo(tmp_path, {"images/val": 3}, self.YAML))

    def test_check_of_a_sound_set_finds_nothing(self, tmp_path):
        yolo(tmp_path, self.PHOTOS, self.YAML)
        source = api.open_data(tmp_path, dataset="yolo")
        findings = check_contents(tmp_path, {"all": content_of(source)}, {"all": ""}, labels_only=True)
        assert {finding.code for finding in findings} == {"duplicate-annotation", "repeated-labels"}  # which is so

    def test_check_compares_the_splits(self, tmp_path):
        yolo(tmp_path, self.PHOTOS, self.YAML)
        val = tmp_path / "images/val/images-val-0.png"
        val.write_bytes((tmp_path / "images/train/images-train-0.png").read_bytes())
        done = recycle_here("data", "check", "--data", ".", "--dataset", "yolo", cwd=tmp_path)
        assert done.returncode == 1
        assert "duplicate-across-splits  x1" in done.stdout

    def test_all_bad_lines_at_once(self, tmp_path):
        yolo(tmp_path, {"images/train": 2, "images/val": 2}, self.YAML)
        for number in range(2):
            file = tmp_path / f"labels/train/images-train-{number}.txt"
            file.write_text(f"0 0.1 0.1 0.9\n{SQUARE}3 0.1 0.1 0.9 0.1 0.9 0.9\n0 2 2 2 2 2 2\n")
        with pytest.raises(LabelFaults) as error:
            api.open_data(tmp_path, dataset="yolo")
        assert len(error.value.faults) == 6
        assert "6 labels cannot be used" in str(error.value)
        done = recycle_here("data", "check", "--dataset", "yolo", "--data", ".", "--json", cwd=tmp_path)
        assert [entry["code"] for entry in json.loads(done.stdout)] == ["malformed-label"] * 6
        done = recycle_here("data", "check", "--dataset", "yolo", "--data", ".", "--fix", "m.json", cwd=tmp_path)
        assert (done.returncode, "--from yolo --to coco" in done.stderr) == (2, True)


def test_coco_photos_in_folders_of_splits(tmp_path):
    content = coco(6)
    for image, folder in zip(content["images"], ["train"] * 3 + ["valid"] * 2 + ["test"], strict=True):
        image["file_name"] = f"{folder}/{image['id']}.jpg"
        (tmp_path / folder).mkdir(exist_ok=True)
    write_coco(tmp_path, content)
    split = api.split({"data.root": tmp_path})
    assert (len(split.train), len(split.val)) == (3, 2)
    assert [part.name for part in api.stats(tmp_path).splits[0]] == ["train", "val", "test"]


def test_lists_of_masks_are_splits(tmp_path):
    for number in range(4):
        for folder in ("images", "masks"):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(np.eye(8, dtype=np.uint8) * (number + 1)).save(tmp_path / folder / f"{number}.png")
    (tmp_path / "train.txt").write_text("0\n2\n")
    (tmp_path / "val.txt").write_text("3\n")
    split = api.split({"data.root": tmp_path, "data.dataset": "masks"})
    assert (names(split.train), names(split.val)) == ({"0.png", "2.png"}, {"3.png"})
    assert "1 photo of none of its splits" in split.how
    (tmp_path / "val.txt").write_text("")
    assert "passed over: the split that the data names (2 training photos)" in api.split(split_settings(tmp_path)).how


def split_settings(root):
    return {"data.root": root, "data.dataset": "masks"}


def test_photos_of_two_splits_are_said_and_found(tmp_path, logged):
    """Who chooses by test photos, or judges by training photos, is told; none is counted twice."""
    for number in range(5):
        for folder in ("images", "masks"):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(np.eye(8, dtype=np.uint8) * (number % 2 + 1)).save(tmp_path / folder / f"{number}.png")
    for split, photos in (("train", "0\n1\n"), ("val", "2\n3\n"), ("test", "3\n4\n")):
        (tmp_path / f"{split}.txt").write_text(photos)
    assert "none of its splits" not in api.split(split_settings(tmp_path)).how
    said = "the data names 1 photo both for validation and for the test, as 'images/3.png'"
    assert said in logged()
    source = api.open_data(tmp_path, None, "masks")
    found = list(lint_source(lambda: source, "it", (), labels_only=True))
    assert [(one.code, one.where) for one in found] == [("photo-in-two-splits", "'images/3.png'")]
    named = named_splits(Named("a.jpg", "b.jpg", splits={"train": (0, 1), "val": (0, 1)}))
    assert not named.val
    assert "the data names the same photos for training and for validation" in logged()


def test_what_is_left_out_is_said_wherever_it_is_read(tmp_path, logged):
    for name in ("a", "b"):
        (tmp_path / "images").mkdir(exist_ok=True)
        (tmp_path / "labels").mkdir(exist_ok=True)
        Image.new("RGB", (32, 32)).save(tmp_path / f"images/{name}.jpg")
    (tmp_path / "labels/a.txt").write_text("0 0.1 0.1 0.9 0.1 0.9 0.9\n0 0.5 0.5 0.2 0.2\n")
    (tmp_path / "labels/b.txt").write_text("0 0.1 0.1 0.9 0.1 0.9 0.9\n")
    api.open_data(tmp_path, dataset="yolo")
    assert f"note: {tmp_path}: left out: boxes without an outline: 1" in logged()
