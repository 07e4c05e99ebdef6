"""Instances are half of a batch's bytes: they are copied to the device where a part of the training may read them."""

import pytest
import torch
from lightning.pytorch.callbacks import Callback
from recycle_data.resolve import resolve
from recycle_data.splits import Split
from recycle_engine import api
from recycle_engine.batch import collate, to_float
from recycle_engine.training.train import train
from recycle_kit.testing import random_source
from support import fake_dists

SETTINGS = {
    "model": "tiny",
    "data.size": 32,
    "train.epochs": 1,
    "train.batch_size": 2,
    "train.loggers": [],
    "train.callbacks": [],
}
QUERIES = {"model": "queries", "loss": ["model"]}
PASTE = {"aug": ["flip", {"name": "copy-paste", "min_area": 1}]}


class Sees(Callback):
    """In which batches there are instances."""

    reads_instances = False

    def __init__(self):
        self.train, self.val = [], []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.train.append(bool(batch.instances.any()))

    def on_validation_batch_end(self, trainer, pl_module, outputs, batch, batch_idx, dataloader_idx=0):
        assert (batch.instances.shape, batch.instances.dtype) == (batch.mask.shape, torch.int32)
        self.val.append(bool(batch.instances.any()))


class Reads(Callback):
    """Says nothing of instances."""

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        pass


class Steps(Callback):
    """Is handed no batch."""

    def on_train_epoch_end(self, trainer, pl_module):
        pass


class Undeclared:
    """An augmentation that says nothing of instances."""

    def __init__(self, options, context):
        pass

    def __call__(self, batch):
        return batch


@pytest.mark.parametrize(
    ("settings", "callbacks", "train_reads", "val_reads"),
    [
        ({"train.ema": 0.9, "train.freeze_norm": True, "train.patience": 3}, [], False, False),
        ({"aug": ["flip", "color", "cutout", "affine", "elastic", "lsj"]}, [Steps()], False, False),
        ({}, [Reads()], True, True),
        (PASTE, [], True, False),
        ({"aug": ["blur"]}, [], True, False),
        (QUERIES, [], True, True),
        ({**QUERIES, "declared": True}, [], False, False),
    ],
    ids=["ours", "moves", "callback", "copy-paste", "augmentation", "own-loss", "declared"],
)
def test_they_come_where_something_reads_them(
    tmp_path, monkeypatch, settings, callbacks, train_reads, val_reads, request
):
    fake_dists(monkeypatch, "tiny", "masks")
    if "declared" in settings:
        import acme_masks_net

        monkeypatch.setattr(acme_masks_net.Queries, "reads_instances", False, raising=False)
    if request.node.callspec.id == "augmentation":
        monkeypatch.setattr("recycle_kornia.appearance.Blur", Undeclared)
    given = {name: value for name, value in settings.items() if name != "declared"}
    recipe = resolve(api.registry(), None, SETTINGS | given)
    split = Split(random_source(4, 32), random_source(2, 32), (1.0,) * 4, "drawn", recipe.data)
    sees = Sees()
    train(api.registry(), recipe, split, "r", tmp_path, [sees, *callbacks])
    assert (sees.train, sees.val) == ([train_reads] * 2, [val_reads])


def test_a_batch_without_them_is_half_as_large():
    source = random_source(2, 64)
    items = [(source.read(index), index) for index in range(2)]
    whole, bare = collate(items), collate(items, instances=False)
    pixels = 2 * 64 * 64
    assert [sum(part.nbytes for part in batch) for batch in (whole, bare)] == [8 * pixels + 16, 4 * pixels + 16]
    finished = to_float(bare)
    assert torch.equal(finished.instances, torch.zeros_like(to_float(whole).instances))
    assert torch.equal(finished.mask, to_float(whole).mask)
