"""A workspace: what is read once, and what is read again."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image
from recycle_data.api import workspace
from recycle_data.workspace import registry, split_of
from support import counting, fake_dists

from recyclecli.errors import RecycleError
from recyclecli.recipe import DataSection


@pytest.fixture
def done(monkeypatch):
    return counting(monkeypatch)


def made(done):
    return sum(count for name, count in done.items() if not name.startswith("package "))


def test_a_split_is_made_once_while_a_workspace_is_open(small, done):
    data = DataSection(root=small, dataset={"name": "coco"})
    with workspace():
        first = split_of(data, 0)
        assert split_of(data, 0).train is first.train
        assert split_of(first.data, 0).train is first.train  # as the recipe of a run names it
        assert made(done) == 1
        larger = split_of(data.model_copy(update={"size": 768}), 0)
        assert (larger.train, larger.data.size, first.data.size) == (first.train, 768, 512)
        assert made(done) == 1
        split_of(data, 1)
        assert made(done) == 2
        with pytest.raises(RecycleError, match="is not what the recipe was made with"):
            split_of(data.model_copy(update={"fingerprint": "0" * 64}), 0)
    split_of(data, 0)
    assert made(done) == 3


def test_files_that_change_meanwhile_are_read_again(small, done):
    """An annotation that is added, a folds.json that appears, a photo that is removed."""
    data = DataSection(root=small, dataset={"name": "coco"})
    file = small / "annotations.json"
    with workspace():
        first = split_of(data, 0)
        content = json.loads(file.read_text())
        content["images"], content["annotations"] = content["images"][:6], content["annotations"][:6]
        file.write_text(json.dumps(content))
        second = split_of(data, 0)
        assert (len(first.train) + len(first.val), len(second.train) + len(second.val)) == (12, 6)
        for name, part in (("train", slice(0, 3)), ("val", slice(3, 6))):
            images = content["images"][part]
            kept = {image["id"] for image in images}
            annotations = [one for one in content["annotations"] if one["image_id"] in kept]
            (small / f"{name}.json").write_text(json.dumps({**content, "images": images, "annotations": annotations}))
        assert "train.json with val.json" in split_of(data, 0).how


def test_a_photo_that_is_replaced_meanwhile_is_noticed(small):
    """A run's own data is refused as it would be without a workspace."""
    with workspace():
        data = split_of(DataSection(root=small, dataset={"name": "coco"}), 0).data
        Image.new("RGB", (32, 32)).save(small / "images" / "1.jpg")
        with pytest.raises(RecycleError, match="is not what the recipe was made with"):
            split_of(data, 0)


def test_what_a_missing_photo_says_is_not_kept(small):
    data = DataSection(root=small, dataset={"name": "coco"})
    photo = small / "images" / "1.jpg"
    with workspace():
        photo.rename(small / "away.jpg")
        with pytest.raises(RecycleError, match=r"1\.jpg"):
            split_of(data, 0)
        (small / "away.jpg").rename(photo)
        assert split_of(data, 0).how


def test_plugins_are_discovered_once_also_where_one_does_not_load(monkeypatch, done):
    """One that fails is tried again by the next command, and not by the next function."""
    fake_dists(monkeypatch, "raises")
    with workspace() as one, workspace() as two:
        assert one is two
        assert registry() is registry() is one.registry
        assert [plugin for plugin in registry().plugins if plugin.state == "failed"]
    assert max(done.values()) == 1
    registry()
    assert max(done.values()) == 2


def test_each_thread_has_a_workspace_of_its_own(small):
    """As two cells of a notebook that run at once."""
    data = DataSection(root=small, dataset={"name": "coco"})
    with workspace(), ThreadPoolExecutor(2) as threads:
        own = split_of(data, 0)
        others = list(threads.map(lambda _: split_of(data, 0), range(4)))
    assert all(other.train is not own.train and other.data == own.data for other in others)
