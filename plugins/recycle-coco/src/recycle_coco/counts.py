"""Pixels of each label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recyclecli.types import IGNORE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PIXELS_PER_BAND = 2**20  # that are counted or looked up in one go: each is a number of eight bytes meanwhile


def label_counts(mask: NDArray[np.uint8], where: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """(256,) pixels of each label of a mask (H, W), among those `where` (H, W) is true."""
    import numpy as np

    counts = np.zeros(IGNORE + 1, np.int64)
    rows = max(1, PIXELS_PER_BAND // max(1, mask.shape[1]))
    for top in range(0, len(mask), rows):
        band = mask[top : top + rows]
        some = band.ravel() if where is None else band[where[top : top + rows]]
        counts += np.bincount(some, minlength=IGNORE + 1)
    return counts
