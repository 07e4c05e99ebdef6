"""No loss, no augmentation and no step of the default recipe makes Python wait for a GPU.

It is seen without one: tensors without values stand for those on a GPU.
"""

import warnings

import pytest
from gpu.audit.cases import augmentations, losses
from gpu.audit.step import steps
from gpu.audit.watch import watched

CASES = [*losses(32), *augmentations(32), *steps(32)]


@pytest.mark.parametrize("make", [pytest.param(make, id=title) for title, make in CASES])
def test_it_does_not_wait(make):
    call = make()
    with warnings.catch_warnings(), watched() as watch:
        warnings.simplefilter("ignore")
        call(watch)
    assert watch.operations
    assert not watch.waits
