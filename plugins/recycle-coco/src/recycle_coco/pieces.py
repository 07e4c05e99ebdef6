"""Labels that are not divided into objects: each connected piece of a label is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recyclecli.types import IGNORE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def connected_pieces(mask: NDArray[np.uint8], first: int) -> NDArray[np.int32]:
    """(H, W) connected pieces, also over corners, of every label from `first` on but 255, numbered from 1; 0 = none."""
    import numpy as np
    from scipy import ndimage

    instances = np.zeros(mask.shape, np.int32)
    count = 0
    shifted = mask.astype(np.int32) + (1 - first)  # find_objects passes over 0
    for number, window in enumerate(ndimage.find_objects(shifted), start=1):
        if window is None or number == IGNORE + 1 - first:
            continue
        pieces, found = ndimage.label(shifted[window] == number, np.ones((3, 3), bool))
        instances[window] += np.where(pieces > 0, pieces + count, 0).astype(np.int32)
        count += found
    return instances
