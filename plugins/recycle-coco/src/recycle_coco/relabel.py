"""Numbers of a mask as others, by a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recycle_coco.counts import PIXELS_PER_BAND

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def relabel(values: NDArray[np.integer[Any]], table: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
    """(H, W) uint8: what (N,) `table`, of numbers within 0..255, has at each of (H, W) values within 0..N - 1."""
    import numpy as np

    labels = np.empty(values.shape, np.uint8)
    rows = max(1, PIXELS_PER_BAND // max(1, values.shape[1]))
    for top in range(0, len(values), rows):
        labels[top : top + rows] = table[values[top : top + rows]]
    return labels
