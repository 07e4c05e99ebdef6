"""Small objects that a CRF would wipe away."""

import numpy as np
from numpy.typing import NDArray

from recycle_densecrf.jit import compiled
from recycle_densecrf.regions import most_likely, regions_of


def small_objects(
    before: NDArray[np.float32], after: NDArray[np.float32], largest: float, confidence: float
) -> NDArray[np.bool_]:
    """(H, W) pixels of sure, small regions of one label that lost more than half of their pixels.

    Args:
        before, after: (K, H, W) probabilities.
        largest: area of such a region, as a share of the photo; 0 for none. Those of 8 pixels or less are noise.
        confidence: mean probability that makes a region sure, 0 to 1.
    """
    if largest == 0:
        return np.zeros(before.shape[1:], np.bool_)
    said, best = most_likely(before)
    lost = said != most_likely(after)[0]
    regions, count = regions_of(said)
    area, gone, sure = _sums(regions, count, lost, best)
    wanted = (area > 8) & (area <= largest * said.size) & (2 * gone > area) & (sure >= confidence * area)
    kept: NDArray[np.bool_] = wanted[regions]
    return kept


@compiled
def _sums(regions, count, lost, best):  # type: ignore[no-untyped-def]
    """(count,) of each region: its pixels, those that are lost, and the sum of what was thought of it."""
    area, gone = np.zeros((2, count), np.int64)
    sure = np.zeros(count, np.float64)
    for y in range(regions.shape[0]):
        for x in range(regions.shape[1]):
            number = regions[y, x]
            area[number] += 1
            gone[number] += lost[y, x]
            sure[number] += best[y, x]
    return area, gone, sure
