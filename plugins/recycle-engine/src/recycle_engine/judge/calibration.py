"""Whether a model's confidence is the share of pixels that it gets right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from recycle_coco.counts import PIXELS_PER_BAND
from recycle_data.pseudo import FULL_CONFIDENCE

from recyclecli.types import IGNORE

BINS = 15  # of equal width


class Calibration:
    """Expected calibration error, streamed: Guo et al., "On Calibration of Modern Neural Networks" (2017).

    ECE = sum over bins of (pixels of the bin / all pixels) x |accuracy - mean confidence|, with
    15 bins of equal width, ](b - 1) / 15, b / 15], as in the paper.
    """

    def __init__(self) -> None:
        self._sums = np.zeros((3, BINS))  # pixels, those that are right, confidence

    def add(self, confidence: NDArray[np.uint16], predicted: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
        """Count one photo.

        Args:
            confidence: (H, W) uint16, the largest probability at each pixel times 65535.
            predicted: (H, W) its label.
            truth: (H, W) labels, 255 = ignore.
        """
        flat = [array.reshape(-1) for array in (confidence, predicted, truth)]
        for start in range(0, len(flat[0]), PIXELS_PER_BAND):
            sure, said, true = (array[start : start + PIXELS_PER_BAND] for array in flat)
            seen = true != IGNORE
            sure, right = sure[seen], (said == true)[seen]
            bins = np.clip((sure.astype(np.int32) * BINS + FULL_CONFIDENCE - 1) // FULL_CONFIDENCE - 1, 0, BINS - 1)
            for row, weights in enumerate((None, right, sure / FULL_CONFIDENCE)):
                self._sums[row] += np.bincount(bins, weights, minlength=BINS)

    def extend(self, other: Calibration) -> None:
        """Add what another one counted."""
        self._sums += other._sums

    @property
    def error(self) -> float | None:
        """ECE in 0..1; None before any pixel was counted."""
        pixels, right, sure = self._sums
        return float(np.abs(right - sure).sum() / pixels.sum()) if pixels.sum() else None

    def bins(self) -> list[tuple[float, float, int]]:
        """(mean confidence, accuracy, pixels) of each bin that holds any, by confidence."""
        return [(float(c / n), float(r / n), int(n)) for n, r, c in self._sums.T if n]
