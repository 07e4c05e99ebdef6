import torch
from recycle_kornia import AffineOptions, FlipOptions
from recycle_kornia.affine import Affine
from recycle_kornia.flip import Flip

from recyclecli.testing import CLASSES, AugmentationConformance, random_batch, random_source
from recyclecli.types import IGNORE, AugmentationContext

CONTEXT = AugmentationContext(CLASSES, random_source())


class TestFlip(AugmentationConformance):
    name = "flip"


class TestColor(AugmentationConformance):
    name = "color"


class TestAffine(AugmentationConformance):
    name = "affine"


def test_flip_moves_labels_with_their_pixels():
    batch = random_batch()
    turned = Flip(FlipOptions(horizontal=1, vertical=1), CONTEXT)(batch)
    for before, after in zip(batch[:3], turned[:3], strict=True):
        assert torch.equal(after, before.flip(-1, -2))


def test_affine_marks_what_comes_from_outside_as_ignored():
    batch = random_batch()
    batch = batch._replace(mask=torch.ones_like(batch.mask), image=torch.ones_like(batch.image))
    torch.manual_seed(0)
    options = AffineOptions(p=1, degrees=0, translate=0, scale_min=0.5, scale_max=0.5)
    after = Affine(options, CONTEXT)(batch)
    share = (after.mask == 1).float().mean()
    assert 0.2 < share < 0.3  # half of each side
    assert (after.mask[:, 0] == IGNORE).all()
    assert (after.instances[after.mask == IGNORE] == 0).all()
    inside = after.image[:, 0][after.mask == 1]
    assert inside.mean() > 0.97


def test_affine_without_change_is_exact():
    batch = random_batch()
    options = AffineOptions(p=1, degrees=0, translate=0, scale_min=1, scale_max=1)
    after = Affine(options, CONTEXT)(batch)
    assert torch.equal(after.mask, batch.mask)
    assert torch.equal(after.instances, batch.instances)
