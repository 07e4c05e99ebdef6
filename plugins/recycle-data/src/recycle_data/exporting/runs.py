"""Row by row, as labelling tools read it, what an RLE holds column by column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from recycle_coco import decode_box
from recycle_coco.rle import run_bounds

from recyclecli.errors import RecycleError

MAX_RUNS_PER_OBJECT = 2**22  # stretches of one object: some 100 bytes of memory for each
MAX_SORTED_PIXELS = 2**20  # pixels of an object that are sorted, however far apart they lie


def stretches(rle: Mapping[str, Any], photo: str) -> NDArray[np.int64]:
    """(N, 3) row, first column and the one behind the last of each stretch of pixels in a row, row after row.

    Args:
        rle: compressed.
        photo: named where that fails.

    Raises:
        RecycleError: they are more than `MAX_RUNS_PER_OBJECT`.
    """
    from pycocotools import mask as coco

    if coco.area(rle) <= MAX_SORTED_PIXELS:
        bounds, height = run_bounds(rle), rle["size"][0]
        lengths = bounds[:, 1] - bounds[:, 0]
        places = np.arange(lengths.sum()) + (bounds[:, 0] - lengths.cumsum() + lengths).repeat(lengths)
        columns, rows = np.divmod(places, height)
        order = np.lexsort((columns, rows))
        columns, rows = columns[order], rows[order]
        begins = np.append(True, (np.diff(rows) != 0) | (np.diff(columns) != 1))[: len(rows)]
        return np.stack([rows[begins], columns[begins], columns[np.append(begins[1:], True)[: len(rows)]] + 1], 1)
    top, left, pixels = decode_box(rle)
    across = pixels.shape[1] + 1
    flat = np.zeros((pixels.shape[0], across), bool)  # with a column that ends each row
    flat[:, :-1] = pixels
    flat = flat.ravel()
    changes = np.append(flat[:1], flat[1:] != flat[:-1])
    if (count := int(np.count_nonzero(changes)) // 2) > MAX_RUNS_PER_OBJECT:
        raise RecycleError(
            f"an object of {photo!r} has {count:,} runs of pixels in its rows, and at most "
            f"{MAX_RUNS_PER_OBJECT:,} are written",
            "correct it, or remove it from the annotation file",
        )
    rows, columns = np.divmod(np.flatnonzero(changes), across)
    return np.stack([rows[::2] + top, columns[::2] + left, columns[1::2] + left], 1)


def lengths_in(stretched: NDArray[np.int64], left: int, top: int, height: int, width: int) -> NDArray[np.int64]:
    """The lengths of the runs of a box or photo row by row, the first of pixels outside, maybe 0."""
    rows, first, last = stretched.T
    edges = np.stack([(rows - top) * width + first - left, (rows - top) * width + last - left], 1).ravel()
    meet = np.flatnonzero(edges[1:-1:2] == edges[2::2]) * 2 + 1  # a stretch goes on at the head of the next row
    edges = np.delete(edges, np.append(meet, meet + 1))
    lengths: NDArray[np.int64] = np.diff(edges, prepend=0, append=height * width)
    return lengths if lengths[-1] else lengths[:-1]
