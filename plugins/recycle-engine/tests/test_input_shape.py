"""The shape in which models see photos: their own, up to the multiple that a model states."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from recycle_data.boundary import PluginPart
from recycle_engine.batch import collate
from recycle_engine.checkpoint import TrainedModel
from recycle_engine.inference.infer import Predictor, predictions
from recycle_engine.input_shape import InputShape, multiple_of, training_window
from recycle_engine.training.data import PhotoDataset
from recycle_engine.training.sampler import Draw
from recycle_kit.testing import MemorySource
from torch import nn

from recyclecli.errors import RecycleError
from recyclecli.types import IGNORE, Sample

PART = PluginPart("model", "tiny@acme", "1.0")


def source_of(*sides):
    """Photos of these heights and widths with a grid of one pixel, labelled 1."""
    samples = []
    for height, width in sides:
        mask = np.zeros((height, width), np.uint8)
        mask[::7], mask[:, ::5] = 1, 1
        samples.append(Sample(np.repeat(mask[..., None] * 255, 3, 2), mask, mask.astype(np.int32)))
    return MemorySource(samples, ("Background", "Line"))


class Grid(nn.Module):
    """Says 1 where a pixel is bright, and notes the shapes of what it is given."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, image):
        self.seen.append(tuple(image.shape))
        bright = image.mean(1, keepdim=True) * 20 - 10
        return torch.cat([-bright, bright], 1)


@pytest.mark.parametrize(
    ("sides", "size", "multiple", "window"),
    [
        ([(1080, 1920)] * 3, 512, 32, (288, 512)),
        ([(1920, 1080)], 512, 32, (512, 288)),
        ([(720, 960)] * 2, 160, 32, (128, 160)),
        ([(720, 960)], 500, 1, (375, 500)),
        ([(720, 960)], 500, 32, (384, 512)),
        ([(720, 960)] * 9 + [(960, 720)], 512, 32, (384, 512)),
        ([(720, 960)] * 8 + [(960, 720)] * 2, 512, 32, (512, 512)),
        ([(720, 960)] * 5 + [(960, 720)] * 5, 512, 32, (512, 512)),
        ([(720, 960)] * 999 + [(10, 400)], 512, 32, (384, 512)),
        ([(100, 4000)], 512, 32, (32, 512)),
        ([(1, 4000)], 64, 1, (1, 64)),
        ([(100, 100), (100, 104)], 64, 32, (64, 64)),
        ([(50, 60)], 64, 256, (256, 256)),
    ],
)
def test_training_has_the_aspect_of_the_photos_where_nine_in_ten_agree(sides, size, multiple, window):
    records = [SimpleNamespace(height=height, width=width) for height, width in sides]
    source = SimpleNamespace(__len__=lambda: len(records), record=records.__getitem__)
    source = type("Records", (), {"__len__": lambda self: len(records), "record": lambda self, at: records[at]})()
    assert training_window(source, size, multiple) == window


@pytest.mark.parametrize("sides", [(48, 64), (64, 48), (64, 64), (2, 64), (90, 160), (300, 200), (1, 1)])
@pytest.mark.parametrize("scale", [0.75, 1, 1.5])
def test_a_photo_is_padded_to_the_multiple_and_no_further(sides, scale):
    inner, frame = InputShape(64, (32, 64), 16).whole(*sides, scale)
    assert max(inner) == 64 * scale
    assert all(side % 16 == 0 and 0 <= side - own < 16 for own, side in zip(inner, frame, strict=True))
    inner, frame = InputShape(64, (64, 64), 0).whole(*sides, scale)
    assert frame == (64 * scale, 64 * scale)
    assert max(inner) == 64 * scale
    inner, frame = InputShape(64, (32, 64), 0).whole(*sides, scale)
    assert frame == (32 * scale, 64 * scale)
    assert all(own <= side for own, side in zip(inner, frame, strict=True))
    assert any(own == side for own, side in zip(inner, frame, strict=True))


@pytest.mark.parametrize("sides", [(48, 64), (36, 64), (64, 48)])
def test_no_label_moves_by_a_pixel(sides):
    """A grid of one pixel comes to the model, and back, as it is."""
    source = source_of(sides)
    shape = InputShape(64, training_window(source, 64))
    for dataset in (PhotoDataset(source, shape), PhotoDataset(source, shape, (1.0, 1.0))):
        sample, _ = dataset[Draw(0, (0, 0, 0))]
        known = sample.mask != IGNORE
        assert known.sum() == sides[0] * sides[1]
        assert np.array_equal(sample.image[..., 0][known] > 0, sample.mask[known] == 1)
    sample = source.read(0)
    predictor = Predictor(TrainedModel(Grid(), source.class_names, [], shape, {}, PART), device="cpu")
    (((said),),) = predictions(predictor, [sample.image])
    assert np.array_equal(said.labels, sample.mask)


def test_a_photo_of_another_shape_is_cropped_in_training_at_the_scale_of_the_others():
    source = source_of((64, 128), (128, 64))
    shape, seen = InputShape(64, (32, 64)), set()
    for number in range(20):
        sample, _ = PhotoDataset(source, shape, (1.0, 1.0))[Draw(1, (0, 0, number))]
        assert sample.image.shape == (32, 64, 3)
        assert (sample.mask[:, :32] != IGNORE).all()
        assert (sample.mask[:, 32:] == IGNORE).all()
        seen.add(sample.mask.tobytes())
    assert len(seen) > 3


def test_batches_of_mixed_shapes_have_the_least_frame_that_holds_them():
    source = source_of((48, 64), (64, 48), (64, 64))
    dataset = PhotoDataset(source, InputShape(64, (64, 64), 16))
    batch = collate([dataset[Draw(0)], dataset[Draw(1)]])
    assert batch.image.shape == (2, 3, 64, 64)
    assert (batch.mask[0, 48:] == IGNORE).all()
    assert (batch.mask[1, :, 48:] == IGNORE).all()
    assert (batch.image[0, :, 48:] == 0).all()
    assert collate([dataset[Draw(0)]]).image.shape == (1, 3, 48, 64)


@pytest.mark.parametrize("at_once", [1, 2, 8])
def test_photos_of_one_shape_go_through_together_and_come_back_in_order(at_once):
    source = source_of((48, 64), (64, 48), (48, 64), (16, 64), (64, 48))
    photos = [source.read(place).image for place in range(5)]
    model = Grid()
    trained = TrainedModel(model, source.class_names, [], InputShape(64, (48, 64), 16), {}, PART)
    said = [one.labels for (one,) in predictions(Predictor(trained, device="cpu", at_once=at_once), photos)]
    assert all(np.array_equal(labels, source.read(place).mask) for place, labels in enumerate(said))
    assert {shape[2:] for shape in model.seen} == {(48, 64), (64, 48), (16, 64)}
    assert len(model.seen) == (5 if at_once == 1 else 3)


def test_old_cards_are_of_squares():
    assert InputShape.of_card({"size": 64}, 32) == InputShape(64, (64, 64), 0)
    assert InputShape.of_card({"size": 64, "window": [32, 64]}, 16) == InputShape(64, (32, 64), 16)


@pytest.mark.parametrize("stated", [0, -32, 2000, "32", 32.0, True, None])
def test_a_multiple_that_is_none_is_refused(stated):
    model = nn.Identity()
    assert multiple_of(PART, model) == 32
    model.multiple = stated
    with pytest.raises(RecycleError, match=r"tiny@acme.*multiple"):
        multiple_of(PART, model)
