"""Large Scale Jittering: exact labels, colours that do not alias."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from recycle_kit.testing import CLASSES, AugmentationConformance, random_batch, random_source
from recycle_kornia import LsjOptions
from recycle_kornia.lsj import Lsj, jittered
from torch.nn import functional as F

from recyclecli.types import IGNORE, AugmentationContext, RecycleError

CONTEXT = AugmentationContext(CLASSES, random_source())


class TestLsj(AugmentationConformance):
    name = "lsj"


def at(batch, scale, chance=0.5):
    count = len(batch.ids)
    return jittered(batch, torch.full((count, 1), scale), torch.full((2, count, 1), chance), min(scale, 1.0))


def test_scale_one_changes_nothing():
    batch = random_batch(3, 40, 56)
    after = at(batch, 1.0)
    for before, now in zip(batch, after, strict=True):
        assert torch.equal(before, now)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 2.5), st.integers(10, 50), st.integers(10, 50), st.floats(0, 0.999))
def test_labels_are_those_under_the_pixels_centre(seed, scale, height, width, chance):
    """By hand, pixel by pixel: nearest centre inside, ignored outside, wherever the photo lies."""
    batch = random_batch(1, height, width, seed)
    after = at(batch, scale, chance)
    sides = []
    for side in (height, width):
        new = max(1, round(torch.tensor(side * 1.0).mul(scale).round().item()))
        spare = side - new
        offset = min(int((abs(spare) + 1) * torch.tensor(chance).item()), abs(spare)) * (1 if spare >= 0 else -1)
        sides.append(
            [(2 * (at - offset) + 1) * side // (2 * new) if 0 <= at - offset < new else None for at in range(side)]
        )
    rows, columns = (torch.tensor([-1 if at is None else at for at in side]) for side in sides)
    outside = (rows < 0)[:, None] | (columns < 0)
    for found, before, beyond in ((after.mask, batch.mask, IGNORE), (after.instances, batch.instances, 0)):
        assert torch.equal(found[0], before[0][rows][:, columns].masked_fill(outside, beyond))
    assert (after.image[0][:, outside] == 0).all()


def test_larger_is_bilinear():
    batch = random_batch(2, 24, 24)
    wanted = F.interpolate(batch.image, scale_factor=2, mode="bilinear", align_corners=False)
    assert torch.allclose(at(batch, 2.0, 0.0).image, wanted[..., :24, :24], atol=1e-6)


@pytest.mark.parametrize(("scale", "factor"), [(0.5, 2), (0.25, 4), (0.125, 8)])
def test_smaller_is_averaged(scale, factor):
    batch = random_batch(2, 64, 64)
    after = at(batch, scale, 0.0).image[..., : 64 // factor, : 64 // factor]
    assert torch.allclose(after, F.avg_pool2d(batch.image, factor), atol=1e-6)


def test_fine_stripes_become_grey_and_not_coarse_stripes():
    batch = random_batch(1, 128, 128)
    image = torch.zeros_like(batch.image)
    image[..., ::2] = 1
    after = at(batch._replace(image=image), 0.22, 0.0).image[..., :28, :28]
    assert (after - 0.5).abs().max() < 0.15


def test_half_precision_images_do_not_touch_labels():
    batch = random_batch(2, 48, 48)
    full, half = at(batch, 0.7), at(batch._replace(image=batch.image.half()), 0.7)
    assert half.image.dtype == torch.float16
    assert torch.equal(full.mask, half.mask)
    assert torch.equal(full.instances, half.instances)


def test_wrong_way_round():
    with pytest.raises(RecycleError, match="is above largest"):
        Lsj(LsjOptions(smallest=2, largest=1), CONTEXT)
