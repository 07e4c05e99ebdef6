"""Sums of whole numbers take the fast way on a GPU where torch is told to be deterministic; all else does not."""

import pytest
import torch
from recycle_engine.training.metrics import Confusion
from recycle_kit.testing import random_batch
from recycle_kornia.compose import _left_over
from recycle_kornia.exact import exact_sums
from recycle_kornia.objects import scattered
from torch.utils._python_dispatch import TorchDispatchMode

BATCH = random_batch()


def confusion():
    matrix = Confusion(4)
    matrix.update(BATCH.mask % 4, BATCH.mask)
    return matrix.compute()


CASES = {
    "objects": lambda: scattered(BATCH).area,
    "left-over": lambda: _left_over(BATCH.instances, BATCH.mask == 1, 0.5),
    "confusion": confusion,
}


class Sums(TorchDispatchMode):
    """Whether torch was told to be deterministic at each sum."""

    def __init__(self):
        super().__init__()
        self.told = []

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        if operation.overloadpacket in (torch.ops.aten.scatter_add, torch.ops.aten.scatter_add_):
            self.told.append(torch.are_deterministic_algorithms_enabled())
        return operation(*args, **kwargs or {})


@pytest.fixture
def deterministic():
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("case", CASES)
def test_whole_numbers_are_added_as_they_come(case, deterministic):
    with Sums() as sums:
        found = CASES[case]()
    assert sums.told
    assert not any(sums.told)
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(False)
    assert torch.equal(found, CASES[case]())


def test_an_error_leaves_torch_as_it_was(deterministic):
    with pytest.raises(ValueError, match="within"), exact_sums():
        raise ValueError("within")
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.is_deterministic_algorithms_warn_only_enabled()
