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


@pytest.mark.parametrize(("name", "most"), [("lsj", 1200), ("copy-paste", 2400)])
def test_what_moves_pixels_touches_few_bytes(name, most):
    """What rows and columns say is worked out for these, before it is for each pixel: bytes for each of those."""
    (make,) = (make for title, make in augmentations(128) if title.startswith(f"augmentation {name}"))
    call = make()
    with warnings.catch_warnings(), watched() as watch:
        warnings.simplefilter("ignore")
        call(watch)
    assert 500 < watch.touched / (16 * 128**2) < most
