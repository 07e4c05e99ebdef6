"""Labels that are not divided into objects: each connected piece of a label is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recyclecli.types import IGNORE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LABELLED_PIXELS_PER_BAND = 2**24  # pixels that are divided in one go
MAX_COMPONENTS = 2**16  # pieces of a mask that are objects; noise has millions


def connected_pieces(mask: NDArray[np.uint8], first: int) -> NDArray[np.int32]:
    """(H, W) connected pieces, also over corners, of every label from `first` on but 255, numbered from 1; 0 = none.

    A label with which there would be more than `MAX_COMPONENTS` pieces is noise: its pixels belong to none.

    Args:
        mask: (H, W) labels.
        first: 0 or 1.
    """
    import numpy as np
    from scipy import ndimage

    instances = np.zeros(mask.shape, np.int32)
    count = 0
    shifted = mask if first else mask + np.uint8(1)  # find_objects passes over 0, which 255 becomes
    for number, window in enumerate(ndimage.find_objects(shifted), start=1):
        if window is not None and number != IGNORE + 1 - first:
            count += _divide(shifted[window] == number, instances[window], count)
    return instances


def _divide(inside: NDArray[np.bool_], instances: NDArray[np.int32], count: int) -> int:
    """Number the pieces of one label in (h, w) `instances`, from `count` + 1 on, in the order of their first pixels.

    Returns:
        How many there are; 0 where they are too many, and not numbered.
    """
    import numpy as np
    from scipy import ndimage

    rows = max(1, LABELLED_PIXELS_PER_BAND // inside.shape[1])
    bands = [slice(top, top + rows) for top in range(0, len(inside), rows)]
    seams = []
    above = np.zeros(inside.shape[1], np.int32)
    found = 0
    for band in bands:
        pieces, more = ndimage.label(inside[band], np.ones((3, 3), bool))
        pieces[inside[band]] += found
        seams.append(_meeting(above, pieces[0]))
        above = pieces[-1].copy()
        instances[band] += pieces  # 0 so far, as are the other labels' pixels in `pieces`
        found += more
    same = np.concatenate(seams, axis=1)
    table, left = np.zeros(found + 1, np.int32), 0
    if found - same.shape[1] + count <= MAX_COMPONENTS:
        table, left = _joined(found, same)
    if left + count > MAX_COMPONENTS:
        table[:], left = 0, 0
    table[1:][table[1:] > 0] += count
    for band in bands:
        part, here = instances[band], inside[band]
        part[here] = table[part[here]]
    return left


def _meeting(above: NDArray[np.int32], below: NDArray[np.int32]) -> NDArray[np.int32]:
    """(2, N) pieces of a row, and pieces of the row below that they touch; pairs may come twice."""
    import numpy as np

    width = len(above)
    pairs = [np.stack([above, below])]
    if width > 1:
        pairs += [np.stack([above[1:], below[:-1]]), np.stack([above[:-1], below[1:]])]
    found = np.concatenate(pairs, axis=1)
    return np.unique(found[:, (found > 0).all(0)], axis=1)


def _joined(found: int, same: NDArray[np.int32]) -> tuple[NDArray[np.int32], int]:
    """A table of (`found` + 1) from pieces to those that they are once pairs of `same` are one, and their count."""
    import numpy as np

    if not same.size:
        return np.arange(found + 1, dtype=np.int32), found
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(same.shape[1], bool), (same[0], same[1])), (found + 1, found + 1))
    groups = connected_components(links, directed=False)[1]
    _, firsts, groups = np.unique(groups, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(firsts))  # a piece is called after the first of its parts; 0 stays 0
    return order[groups].astype(np.int32), len(firsts) - 1
