import sys
from types import SimpleNamespace

import pytest
import torch
from recycle_engine.training import batch_transport
from torch.utils.data import DataLoader


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
