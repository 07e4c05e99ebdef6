import pytest
import recycle_kornia
import torch
from recycle_kit.testing import CLASSES, AugmentationConformance, random_batch, random_source
from recycle_kornia import AffineOptions, ElasticOptions, FlipOptions, PerspectiveOptions, appearance, holes
from recycle_kornia.flip import Flip
from recycle_kornia.warp import Affine, Elastic, Perspective

from recyclecli.types import IGNORE, AugmentationContext, Batch, RecycleError

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


class TestPerspective(AugmentationConformance):
    name = "perspective"


class TestElastic(AugmentationConformance):
    name = "elastic"


def test_elastic_shifts_as_far_as_it_says():
    """The standard deviation of the shift is the option's; labels move with the colours."""
    ramp = torch.arange(256.0).expand(256, 256) / 255
    image = torch.stack([ramp, ramp.T, ramp])[None].repeat(4, 1, 1, 1)
    mask = (ramp * 255 // 32).long()[None].repeat(4, 1, 1)
    batch = Batch(image, mask, torch.zeros_like(mask).int(), torch.arange(4))
    torch.manual_seed(0)
    after = Elastic(ElasticOptions(p=1, shift=4.0, sigma=16.0), CONTEXT)(batch)
    inside = (slice(None), slice(32, 224), slice(32, 224))
    for channel in (0, 1):
        shift = (after.image[:, channel] - batch.image[:, channel])[inside] * 255
        assert 3 < float(shift.std()) < 5
    labels = (after.image[:, 0] * 255).round() // 32
    assert (labels[inside] == after.mask[inside]).float().mean() > 0.97
    still = Elastic(ElasticOptions(p=0), CONTEXT)(batch)
    for one, other in zip(still, batch, strict=True):
        assert torch.equal(one, other)
    with pytest.raises(RecycleError, match="folds photos"):
        Elastic(ElasticOptions(shift=9, sigma=10), CONTEXT)


class TestGamma(AugmentationConformance):
    name = "gamma"


class TestGray(AugmentationConformance):
    name = "gray"


class TestBlur(AugmentationConformance):
    name = "blur"


class TestNoise(AugmentationConformance):
    name = "noise"


class TestCutout(AugmentationConformance):
    name = "cutout"


class TestGridMask(AugmentationConformance):
    name = "grid-mask"


@pytest.mark.parametrize("name", ["Color", "Gamma", "Gray", "Blur", "Noise", "Cutout", "GridMask"])
def test_labels_stay_and_colours_change(name):
    torch.manual_seed(0)
    batch = random_batch(4)
    factory = getattr(appearance, name, None) or getattr(holes, name)
    after = factory(getattr(recycle_kornia, f"{name}Options")(p=1), CONTEXT)(batch)
    assert torch.equal(after.mask, batch.mask)
    assert torch.equal(after.instances, batch.instances)
    assert (after.image != batch.image).flatten(1).any(1).all()


@pytest.mark.parametrize("name", ["Cutout", "GridMask"])
def test_what_is_taken_away_may_be_ignored(name):
    batch = random_batch(4)
    batch = batch._replace(image=batch.image.clamp(min=0.01))
    options = getattr(recycle_kornia, f"{name}Options")(p=1, ignored=True)
    after = getattr(holes, name)(options, CONTEXT)(batch)
    gone = (after.image == 0).all(1)
    assert 0.05 < gone.float().mean() < 0.6
    assert (after.mask[gone] == IGNORE).all()
    assert (after.instances[gone] == 0).all()
    assert torch.equal(after.mask[~gone], batch.mask[~gone])


def test_labels_go_where_their_pixels_go_in_perspective():
    """The mask drawn as an image goes the same way, up to half a pixel at outlines."""
    batch = random_batch(4, 96, 96)
    image = (batch.mask == 1).float()[:, None].expand(-1, 3, -1, -1)
    torch.manual_seed(3)
    after = Perspective(PerspectiveOptions(p=1, distortion=0.5), CONTEXT)(batch._replace(image=image))
    known = after.mask != IGNORE
    said, drawn = (after.mask == 1)[known], (after.image[:, 0] > 0.5)[known]
    assert (said == drawn).float().mean() > 0.99
    assert (~known).any()
