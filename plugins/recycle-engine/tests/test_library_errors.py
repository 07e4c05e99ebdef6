"""What other libraries raise, provoked on the versions that are pinned."""

import multiprocessing
import os
import re
import signal
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from recycle_engine.library_errors import TEXTS, memory_errors, raised_by, situation_of
from torch import nn
from torch.utils.data import DataLoader

from recyclecli.errors import RunFailed

CONSTRAINTS = (Path(__file__).parents[3] / "constraints.txt").read_text()
BY_GPU = {  # texts that take a GPU, or another moment than a test finds: as they were read
    "out of memory": "CUDA error: out of memory",
    "CUDNN_STATUS_ALLOC_FAILED": "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    "CUBLAS_STATUS_ALLOC_FAILED": "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "nable to find an engine to execute": "GET was unable to find an engine to execute this computation",
    "NCCL communicator was aborted": "NCCL communicator was aborted on rank 0.",
    "is killed by signal": "DataLoader worker (pid 7) is killed by signal: Terminated. ",
    "Connection closed by peer": "[pair.cc:534] Connection closed by peer [127.0.0.1]:1234",
}


class Ending(list):
    """Photos whose loading process ends."""

    def __getitem__(self, index):
        os.kill(os.getpid(), signal.SIGKILL)


def _allocate():
    torch.empty(2**62, dtype=torch.uint8)


def _load():
    next(iter(DataLoader(Ending([0, 1]), num_workers=1)))


def _normalise():
    nn.BatchNorm2d(2)(torch.zeros(1, 2, 1, 1))


def _meet(rank, folder):
    """Two processes add up a number, and one of them ends before."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/met", rank=rank, world_size=2)
    torch.distributed.barrier()
    if rank == 0:
        try:
            torch.distributed.all_reduce(torch.ones(1))
        except RuntimeError as error:
            (folder / "said").write_text(str(error))
    os._exit(0)


@pytest.mark.parametrize(
    ("provoke", "text"),
    [
        (_allocate, "can't allocate memory"),
        (_load, "exited unexpectedly"),
        (_normalise, "more than 1 value per channel"),
    ],
)
def test_each_text_is_the_librarys(provoke, text):
    entry = next(one for one in TEXTS if one.text == text)
    with pytest.raises(entry.error, match=re.escape(text)) as raised:
        provoke()
    assert situation_of(raised.value) == entry.situation


def test_a_peer_that_has_ended_is_known(tmp_path):
    """By one of two texts: whether data were on their way decides which."""
    context = multiprocessing.get_context("fork")
    pair = [context.Process(target=_meet, args=(rank, tmp_path)) for rank in range(2)]
    for one in pair:
        one.start()
    for one in pair:
        one.join(60)
    assert situation_of(RuntimeError((tmp_path / "said").read_text())) == "peer-ended"


def test_every_text_is_provoked_or_constructed():
    known = {"can't allocate memory", "exited unexpectedly", "more than 1 value per channel"}
    assert {one.text for one in TEXTS} == known | BY_GPU.keys() | {"Connection reset by peer"}
    for one in TEXTS:
        if one.text in BY_GPU:
            assert situation_of(one.error(BY_GPU[one.text])) == one.situation
        assert f"\n{one.library}=={one.version}\n" in CONSTRAINTS
    assert version("torch").partition("+")[0] == TEXTS[0].version


def test_types_come_first_and_others_mean_nothing():
    assert situation_of(MemoryError()) == situation_of(torch.OutOfMemoryError("x")) == "out-of-memory"
    assert situation_of(RuntimeError("shapes differ")) is None
    with pytest.raises(MemoryError), memory_errors():
        _allocate()
    with pytest.raises(RunFailed, match="the GPU failed: unspecified launch failure"), memory_errors():
        raise torch.AcceleratorError("CUDA error: unspecified launch failure\nmore")
    with pytest.raises(MemoryError), memory_errors():
        raise torch.AcceleratorError("CUDA error: out of memory\nmore")
    with pytest.raises(RuntimeError, match="shapes differ"), memory_errors():
        raise RuntimeError("shapes differ")


def test_what_cannot_be_restored_is_known_by_who_raises_it():
    one, other = nn.Linear(2, 2), nn.Linear(3, 2)
    with pytest.raises(RuntimeError) as raised:
        one.load_state_dict(other.state_dict())
    assert raised_by(raised.value, "torch.nn.modules.module", "load_state_dict")
    groups = torch.optim.SGD([{"params": [one.weight]}, {"params": [one.bias]}], lr=0.1).state_dict()
    with pytest.raises(ValueError, match="parameter group") as failed:
        torch.optim.SGD(one.parameters(), lr=0.1).load_state_dict(groups)
    assert raised_by(failed.value, "torch.optim.optimizer", "load_state_dict")
    assert not raised_by(failed.value, "torch.nn.modules.module", "load_state_dict")
