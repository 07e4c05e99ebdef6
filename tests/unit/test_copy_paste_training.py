"""Copy-paste within training: which photos its objects come from, and that a run resumes with it."""

from dataclasses import replace

import pytest

from recyclecli import api
from recyclecli.engine.train import _module
from recyclecli.recipe import resolve


class Forbidden:
    """A source that may be counted and named, but not read."""

    def __init__(self, source):
        self.class_names, self.record, self._length = source.class_names, source.record, len(source)

    def __len__(self):
        return self._length

    def read(self, index):
        pytest.fail(f"photo {index} of the validation split was read")


def test_no_validation_photo_can_reach_the_bank(tmp_path, registry):
    api.sample(tmp_path, 16)
    api.kfold(tmp_path, 4)
    settings = {
        "data.root": tmp_path,
        "data.fold": 1,
        "data.size": 64,
        "model.weights": "none",
        "aug": [{"name": "copy-paste", "min_area": 1}],
    }
    split = api.split(settings)
    read = []
    recorded = Forbidden(split.train)
    recorded.read = lambda index: read.append(index) or split.train.read(index)
    recipe = resolve(registry, None, settings)
    module = _module(registry, recipe, replace(split, train=recorded, val=Forbidden(split.val)))
    bank = module._augmentations[0]._bank
    learned = {split.train.record(index).file_name for index in range(len(split.train))}
    judged = {split.val.record(index).file_name for index in range(len(split.val))}
    taken = {split.train.record(entry.photo).file_name for entry in bank.entries}
    assert sorted(read) == list(range(12))
    assert taken
    assert taken <= learned
    assert not taken & judged


@pytest.mark.parametrize("source", ["bank", "batch"])
def test_trains(tmp_path, source):
    api.sample(tmp_path / "data", 8)
    settings = {
        "data.root": tmp_path / "data",
        "data.size": 64,
        "model.weights": "none",
        "train.epochs": 1,
        "train.batch_size": 2,
        "aug": ["lsj", {"name": "copy-paste", "source": source, "p": 1, "lsj": True}],
    }
    assert api.train(settings, runs=tmp_path / "runs").epochs == 1
