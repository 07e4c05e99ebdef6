import sys
from types import SimpleNamespace

import pytest
import torch
from recycle_data.resolve import resolve
from recycle_data.splits import Split
from recycle_engine.input_shape import InputShape
from recycle_engine.training import batch_transport
from recycle_engine.training.data import PhotoData
from recycle_kit.testing import random_source
from torch.utils.data import DataLoader

FIT = SimpleNamespace(epoch_progress=SimpleNamespace(current=SimpleNamespace(processed=0)))


class Whose(torch.utils.data.Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return torch.full((3,), index)


@pytest.mark.skipif(sys.platform != "linux", reason="shared memory is a folder on Linux alone")
@pytest.mark.parametrize(("free", "shared"), [(64 * 2**20, False), (10 * 2**30, True)])
def test_batches_go_through_a_pipe_where_shared_memory_is_small(monkeypatch, logged, free, shared):
    """64 MB is what docker gives: two loading processes of training and validation with batches of 16 MB fill it."""
    monkeypatch.setattr(batch_transport.shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))
    first = batch_transport.handing_over(4 * [8 * 512 * 512 * 8])
    said = logged()
    batches = list(DataLoader(Whose(), batch_size=2, num_workers=1, worker_init_fn=first))
    assert torch.equal(torch.cat(batches)[:, 0], torch.arange(4))
    assert all(batch.is_shared() == shared for batch in batches)
    assert ("64 MiB free and 4 loading processes take up to 192 MiB" in said) == (not shared)


def test_nothing_is_asked_for_where_no_process_loads():
    assert batch_transport.handing_over([]) is None


@pytest.mark.parametrize(
    ("photos", "ranks", "processes"), [(40, 1, [2, 2]), (3, 1, [2, 2]), (2, 1, [2, 1]), (5, 2, [2, 2]), (4, 2, [2, 1])]
)
def test_validation_starts_no_process_without_a_batch(registry, monkeypatch, photos, ranks, processes):
    """They stay until the training ends, each with batches in shared memory."""
    asked = []
    monkeypatch.setattr("recycle_engine.training.data.handing_over", asked.append)
    recipe = resolve(registry, None, {"data.size": 32, "train.batch_size": 2, "data.workers": 2})
    data = PhotoData(Split(random_source(8, 32), random_source(photos, 32), (1.0,) * 8, "drawn", recipe.data), recipe)
    module = SimpleNamespace(reads_instances=lambda training: training, shape=InputShape(32, (32, 32)))
    data.trainer = SimpleNamespace(
        world_size=ranks, num_devices=1, global_rank=0, callbacks=[], lightning_module=module, fit_loop=FIT
    )
    loaders = [data.train_dataloader(), data.val_dataloader()]
    assert [loader.num_workers for loader in loaders] == processes
    pixels = 2 * 32 * 32
    assert asked == [[8 * pixels] * processes[0] + [4 * pixels] * processes[1]]
