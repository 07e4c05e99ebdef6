"""The mode filter."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from recycle_densecrf import ModeFilterOptions
from recyclecli.types import PostprocessorContext


class ModeFilter:
    """The share of each label among the labels of the window around each pixel.

    Its largest is the window's mode; ties go to the lower label. The photo is not looked at.
    """

    def __init__(self, options: ModeFilterOptions, context: PostprocessorContext) -> None:
        self._size = options.size

    def __call__(self, image: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Shares (K, H, W) float32, summing to 1 at each pixel."""
        labels = probabilities.argmax(0)
        shares = np.empty_like(probabilities, dtype=np.float32)
        for label in range(len(probabilities)):
            shares[label] = uniform_filter((labels == label).astype(np.float32), self._size, mode="nearest")
        pixels = self._size**2
        np.rint(np.multiply(shares, pixels, out=shares), out=shares)
        shares /= pixels
        return shares  # whole pixels, so that a tie is one
