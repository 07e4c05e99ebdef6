"""Pixel counts of one photo, from which every score is made."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from recycle_coco.counts import PIXELS_PER_BAND
from recycle_data.submission import SUBMITTED_SIDE, reduce_labels

from recyclecli.types import IGNORE

CountedView = Literal["own", "256", "boundary"]
COUNTED_VIEWS: tuple[CountedView, ...] = get_args(CountedView)
"""What is counted: pixels at the photo's own size, at 256x256, and those near an outline."""

BOUNDARY_SHARE = 0.02  # of the diagonal: how far from an outline a pixel counts as boundary (Cheng et al., 2021)


def confusion(predicted: NDArray[np.uint8], truth: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    """(K, K) int64 counts of label pairs, truth by row and prediction by column.

    Args:
        predicted: (H, W) labels, 0 to K - 1.
        truth: (H, W) labels, 255 = ignore, which counts nowhere.
        classes: K.
    """
    counts = np.zeros(classes * classes, np.int64)
    said, true = predicted.reshape(-1), truth.reshape(-1)
    for start in range(0, len(true), PIXELS_PER_BAND):
        band = slice(start, start + PIXELS_PER_BAND)
        seen = true[band] != IGNORE
        pairs = true[band].astype(np.int32) * classes + said[band]
        counts += np.bincount(pairs if seen.all() else pairs[seen], minlength=classes * classes)
    return counts.reshape(classes, classes)


def photo_counts(
    predicted: NDArray[np.uint8], truth: NDArray[np.uint8], classes: int
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """What one photo adds to the scores, at its own size, at 256x256 and along outlines.

    Args:
        predicted: (H, W) labels, 0 to K - 1.
        truth: (H, W) labels, 255 = ignore.
        classes: K.

    Returns:
        (3, 3, K) uint32: for each of `COUNTED_VIEWS` the pixels of each class that are hit, true and
        predicted; and the (K, K) confusion at the photo's own size.
    """
    own = confusion(predicted, truth, classes)
    reduced = confusion(reduce_labels(predicted, SUBMITTED_SIDE), reduce_labels(truth, SUBMITTED_SIDE), classes)
    counts = np.stack([marginals(own), marginals(reduced), boundary_counts(predicted, truth, classes)])
    return counts.astype(np.uint32), own


def marginals(matrix: NDArray[np.int64]) -> NDArray[np.int64]:
    """(3, K) pixels of each class that are hit, true and predicted, of a (K, K) confusion."""
    return np.stack([matrix.diagonal(), matrix.sum(1), matrix.sum(0)])


def boundary_counts(predicted: NDArray[np.uint8], truth: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    """(3, K) pixels of each class's inner boundary that are hit, true and predicted.

    The boundary of a class is those of its pixels that lie within 2 % of the diagonal (at least
    1 pixel, chessboard distance) of another label or of the photo's edge: Cheng et al.,
    "Boundary IoU" (2021), with their reference code's rounding. Ignored pixels count nowhere;
    they are cut out of both maps, so that their outline is the same on both sides.
    """
    height, width = truth.shape
    reach = max(1, round(BOUNDARY_SHARE * float(np.hypot(height, width))))
    rows = max(2 * reach, PIXELS_PER_BAND // max(width, 1))
    counts = np.zeros((3, classes), np.int64)
    for start in range(0, height, rows):
        stop = min(start + rows, height)
        block = slice(max(0, start - reach), stop + reach)
        own = slice(start - block.start, stop - block.start)
        true = truth[block]
        said = np.where(true == IGNORE, IGNORE, predicted[block]).astype(np.uint8)
        inner = max(start, reach) - start, min(stop, height - reach) - start
        near_true, near_said = (_near_outline(labels, reach, own, inner) for labels in (true, said))
        true, said = true[own], said[own]
        seen = true != IGNORE
        near_true &= seen
        near_said &= seen
        hit = near_true & near_said & (true == said)
        pairs = ((true, hit), (true, near_true), (said, near_said))
        counts += np.stack([np.bincount(labels[where], minlength=classes)[:classes] for labels, where in pairs])
    return counts


def _near_outline(labels: NDArray[np.uint8], reach: int, own: slice, inner: tuple[int, int]) -> NDArray[np.bool_]:
    """Which pixels of a band have another label, or the photo's edge, within `reach` (chessboard).

    Args:
        labels: the band's rows and up to `reach` more on either side.
        reach: in pixels.
        own: the band's rows among `labels`.
        inner: from which to which of the band's rows the photo's upper and lower edge are farther.
    """
    near = np.ones((own.stop - own.start, labels.shape[1]), bool)
    side = 2 * reach + 1
    first, last = inner
    if first < last and labels.shape[1] >= side:
        part = labels[own.start + first - reach : own.start + last + reach]
        low = _slid(_slid(part, side, 0, np.minimum), side, 1, np.minimum)
        high = _slid(_slid(part, side, 0, np.maximum), side, 1, np.maximum)
        near[first:last, reach:-reach] = low != high
    return near


def _slid(values: NDArray[np.uint8], side: int, axis: int, pick: np.ufunc) -> NDArray[np.uint8]:
    """`pick` over every window of `side` values along `axis`, in log2(side) passes of the whole array."""
    length = values.shape[axis]

    def part(array: NDArray[np.uint8], start: int, stop: int) -> NDArray[np.uint8]:
        return array[start:stop] if axis == 0 else array[:, start:stop]

    width = 1
    while 2 * width <= side:
        span = length - 2 * width + 1
        values = pick(part(values, 0, span), part(values, width, width + span))
        width *= 2
    span = length - side + 1
    merged: NDArray[np.uint8] = pick(part(values, 0, span), part(values, side - width, side - width + span))
    return merged
