"""Photos that are others, mirrored or turned, while their labels are those of the others as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from recycle_data.duplicates import ORIENTATIONS, one_photo, turn_square, turned

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 128  # x SIDE pixels of the labels are compared
SAME_LABELS, OTHER_LABELS = 0.98, 0.9  # share of the labelled pixels that agree at least, and at most


def unturned(photos: NDArray[np.void], labels: Callable[[int], NDArray[np.uint8]]) -> Iterator[tuple[int, int]]:
    """(index, earlier index) of photos of which one was mirrored or turned, and its labels were not.

    Args:
        photos: (n,) `recycle_data.identity.IDENTITY`.
        labels: (H, W) of a photo by its index.
    """
    own = one_photo(photos)
    for turn in range(1, ORIENTATIONS):
        for index, other in turned(photos, photos, (turn,)).items():
            if index > other and own[index] != own[other]:
                mask, before = _sampled(labels(index)), _sampled(labels(other))
                if _agree(mask, before) >= SAME_LABELS and _agree(mask, turn_square(before, turn)) <= OTHER_LABELS:
                    yield index, other


def _sampled(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows, columns = (((np.arange(SIDE) + 0.5) * side / SIDE).astype(np.int64) for side in mask.shape)
    sampled: NDArray[np.uint8] = mask[rows[:, None], columns]
    return sampled


def _agree(mask: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """The share of equal pixels of those that are labelled in one of the two; 0 where none is."""
    labelled = (mask > 0) | (other > 0)
    return float(np.mean(mask[labelled] == other[labelled])) if labelled.any() else 0.0
