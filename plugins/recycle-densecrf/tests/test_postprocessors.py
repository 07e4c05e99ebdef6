import numpy as np
import pytest
from recycle_densecrf import ModeFilterOptions
from recycle_densecrf.mode import ModeFilter

from recyclecli.testing import CLASSES, PostprocessorConformance
from recyclecli.types import PostprocessorContext

CONTEXT = PostprocessorContext(CLASSES)


class TestModeFilter(PostprocessorConformance):
    name = "mode-filter"


class TestDenseCrf(PostprocessorConformance):
    name = "densecrf"


def test_mode_filter_removes_a_speck_and_keeps_an_edge():
    labels = np.zeros((20, 20), int)
    labels[:, 10:] = 2
    labels[5, 5] = 1
    probabilities = np.eye(len(CLASSES), dtype=np.float32)[labels].transpose(2, 0, 1)
    result = ModeFilter(ModeFilterOptions(), CONTEXT)(np.zeros((20, 20, 3), np.uint8), probabilities).argmax(0)
    labels[5, 5] = 0
    assert np.array_equal(result, labels)


def test_densecrf_moves_a_blurred_edge_to_the_photos_edge():
    densecrf = pytest.importorskip("recycle_densecrf.densecrf", reason="pydensecrf is not installed")
    from recycle_densecrf import DenseCrfOptions

    photo = np.zeros((40, 40, 3), np.uint8)
    photo[:, 20:] = 220
    truth = (np.arange(40) >= 20).astype(int)
    slope = np.linspace(-2, 2, 40) + 0.35  # its zero lies left of the photo's edge
    right = np.broadcast_to(1 / (1 + np.exp(-slope)), (40, 40))
    probabilities = np.stack([1 - right, right]).astype(np.float32)
    before = (probabilities.argmax(0) == truth).mean()
    after = (densecrf.DenseCrf(DenseCrfOptions(), CONTEXT)(photo, probabilities).argmax(0) == truth).mean()
    assert before < 0.95
    assert after == 1
