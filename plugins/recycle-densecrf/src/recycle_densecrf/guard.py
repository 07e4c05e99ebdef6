"""Small objects that a CRF would wipe away."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def small_objects(
    before: NDArray[np.float32], after: NDArray[np.float32], largest: float, confidence: float
) -> NDArray[np.bool_]:
    """(H, W) pixels of sure, small regions of one label that lost more than half of their pixels.

    Args:
        before, after: (K, H, W) probabilities.
        largest: area of such a region, as a share of the photo; 0 for none. Those of 8 pixels or less are noise.
        confidence: mean probability that makes a region sure, 0 to 1.
    """
    kept = np.zeros(before.shape[1:], np.bool_)
    if largest == 0:
        return kept
    said, best = before.argmax(0), before.max(0)
    lost = said != after.argmax(0)
    for label in np.unique(said[lost]).tolist():
        regions, count = ndimage.label(said == label)
        flat = regions.ravel()
        area = np.bincount(flat, minlength=count + 1)
        gone = np.bincount(flat[lost.ravel()], minlength=count + 1)
        sure = np.bincount(flat, best.ravel(), minlength=count + 1) >= confidence * area
        small = (area > 8) & (area <= largest * said.size) & (2 * gone > area) & sure
        small[0] = False
        kept |= small[regions]
    return kept
