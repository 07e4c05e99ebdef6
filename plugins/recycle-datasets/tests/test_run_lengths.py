"""Run lengths of tables become the pixels that drawing them gives."""

import numpy as np
import pytest
from pycocotools import mask as tools
from recycle_datasets.readers.rle_csv import _drawn, _rle

HEIGHT, WIDTH = 7, 9


@pytest.mark.parametrize("rows", [True, False])
@pytest.mark.parametrize(
    "text",
    ["", "1 63", "1 1", "63 1", "5 0", "10 3 1 4", "1 5 3 9", "1 5 6 2", "1 9 2 2 3 1", "4 2 4 2", "1 1 3 1 63 1 5 0"],
)
def test_runs_are_the_pixels_that_drawing_gives(text, rows):
    drawn = _drawn(text, HEIGHT, WIDTH, rows)
    assert np.array_equal(tools.decode(_rle(text, HEIGHT, WIDTH, rows)), drawn)


@pytest.mark.parametrize("text", ["0 3", "1 -1", "60 9", "64 1", "1 9223372036854775807", "1 2 3", "x 1"])
@pytest.mark.parametrize("rows", [True, False])
def test_runs_that_are_none_or_leave_the_photo_are_refused(text, rows):
    with pytest.raises((ValueError, OverflowError)):
        _rle(text, HEIGHT, WIDTH, rows)
