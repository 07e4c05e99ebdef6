"""Copy-paste and repeat factors within training: which photos are drawn, and which objects come from where."""

from dataclasses import replace

import pytest
from lightning.pytorch.callbacks import Callback
from recycle_data.resolve import resolve
from recycle_engine import api
from recycle_engine.training.fit import build_module
from support import SMALL, coco, write_coco


class Forbidden:
    """A source that may be counted and named, but not read."""

    def __init__(self, source):
        self.class_names, self.record, self._length = source.class_names, source.record, len(source)

    def __len__(self):
        return self._length

    def read(self, index):
        pytest.fail(f"photo {index} of the validation split was read")


def test_no_validation_photo_can_reach_the_bank(tmp_path, drawn, registry):
    drawn(tmp_path, 16)
    api.kfold(tmp_path, 4)
    settings = {**SMALL, "data.root": tmp_path, "data.fold": 1, "aug": [{"name": "copy-paste", "min_area": 1}]}
    split = api.split(settings)
    read = []
    recorded = Forbidden(split.train)
    recorded.read = lambda index: read.append(index) or split.train.read(index)
    recipe = resolve(registry, None, settings)
    module = build_module(registry, recipe, replace(split, train=recorded, val=Forbidden(split.val)))
    bank = module._augmentations[0]._bank
    learned = {split.train.record(index).file_name for index in range(len(split.train))}
    judged = {split.val.record(index).file_name for index in range(len(split.val))}
    taken = {split.train.record(entry.photo).file_name for entry in bank.entries}
    assert set(read) == set(range(12))  # also to count the classes' pixels
    assert taken
    assert taken <= learned
    assert not taken & judged


class Drawn(Callback):
    """Which photos an epoch draws."""

    def __init__(self):
        self.ids = []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.ids += batch.ids.tolist()


def test_photos_of_rare_classes_come_more_often(tmp_path):
    content = coco(12, categories=(("Paper", 1), ("Metal", 2)))
    for annotation in content["annotations"]:
        annotation["category_id"] = 2 if annotation["image_id"] == 5 else 1
    write_coco(tmp_path / "data", content)
    drawn = Drawn()
    settings = {**SMALL, "data.root": tmp_path / "data", "data.size": 32, "train.epochs": 1}
    more = {"train.batch_size": 2, "data.val_fraction": 0.1, "seed": 1, "train.repeat_threshold": 1.0}
    train = api.split({**settings, **more}).train
    rare = next(index for index in range(len(train)) if train.record(index).file_name == "images/5.jpg")
    api.train({**settings, **more}, runs=tmp_path / "runs", callbacks=[drawn])
    assert 3 <= drawn.ids.count(rare) <= 4  # sqrt(11) times
    assert all(drawn.ids.count(other) <= 1 for other in range(len(train)) if other != rare)


@pytest.mark.parametrize("source", ["bank", "batch"])
def test_trains(tmp_path, drawn, source):
    drawn(tmp_path / "data", 8)
    paste = {"name": "copy-paste", "source": source, "p": 1, "lsj": True}
    settings = {
        **SMALL,
        "data.root": tmp_path / "data",
        "train.epochs": 1,
        "train.batch_size": 2,
        "aug": ["lsj", paste],
    }
    assert api.train(settings, runs=tmp_path / "runs").epochs == 1
