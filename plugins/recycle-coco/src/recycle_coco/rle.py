"""Run-length encoding and polygon filling, on pycocotools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recyclecli.errors import RecycleError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


MAX_POLYGON_PIXELS = 2**22  # pixels around a polygon: filling it takes some 80 bytes for each
MAX_LISTED_CHARACTERS = 2**22  # characters of counts that are listed as numbers


def encode(mask: NDArray[Any]) -> dict[str, Any]:
    """(H, W) mask, non-zero inside, as a compressed COCO RLE whose counts are text; holes survive."""
    import numpy as np
    from pycocotools import mask as coco

    inside = mask if mask.dtype == bool else mask != 0
    rle = coco.encode(np.asfortranarray(inside).view(np.uint8))
    return {"size": [int(side) for side in rle["size"]], "counts": rle["counts"].decode("ascii")}


def decode(rle: Mapping[str, Any]) -> NDArray[np.uint8]:
    """A COCO RLE, compressed or not, as (H, W) uint8 of 0 and 1."""
    from pycocotools import mask as coco

    mask: NDArray[np.uint8] = coco.decode(compressed(rle))
    return mask


def decode_box(rle: Mapping[str, Any]) -> tuple[int, int, NDArray[np.bool_]]:
    """The box of an RLE's pixels, without making the rest of the photo.

    Returns:
        Its top and left in the photo, and its pixels (h, w) bool, column after column in memory; (0, 0) for no pixel.
    """
    import numpy as np
    from pycocotools import mask as coco

    rle = compressed(rle)
    height = rle["size"][0]
    if len(rle["counts"]) > MAX_LISTED_CHARACTERS:
        left, top, across, down = (int(value) for value in coco.toBbox(rle))
        return top, left, coco.decode(rle)[top : top + down, left : left + across].view(bool)
    bounds = run_bounds(rle)
    if not len(bounds):
        return 0, 0, np.zeros((0, 0), bool)
    column, row = np.divmod(bounds - (0, 1), height)  # of each run's first and last pixel
    left, across = int(column[0, 0]), int(column[-1, 1] - column[0, 0]) + 1
    whole = bool((column[:, 0] < column[:, 1]).any())  # a run goes on at the head of the next column
    top = 0 if whole else int(row[:, 0].min())
    down = height if whole else int(row[:, 1].max()) + 1 - top
    places = (column - left) * down + row - top + (0, 1)
    lengths = np.diff(np.concatenate([[0], places.ravel(), [across * down]]))
    inside = (np.arange(len(lengths)) % 2).astype(bool).repeat(lengths)
    return top, left, inside.reshape(across, down).T


def run_bounds(rle: Mapping[str, Any]) -> NDArray[np.int64]:
    """(N, 2) first and one behind the last pixel of each run inside an RLE, counted column after column, ascending.

    The code of compressed counts is COCO's: six-bit characters from `0`, five bits of value each, the sixth set where
    more follow; from the fourth run on a value is relative to the one two before.
    """
    import numpy as np

    counts = compressed(rle)["counts"]
    bits = np.frombuffer(counts.encode("ascii") if isinstance(counts, str) else counts, np.uint8).astype(np.int64) - 48
    if not len(bits):
        return np.zeros((0, 2), np.int64)
    last = np.flatnonzero(bits < 32)
    first = np.concatenate([[0], last[:-1] + 1])
    digits = last - first + 1
    shifts = 5 * (np.arange(len(bits)) - first.repeat(digits))
    runs = np.add.reduceat((bits & 31) << shifts, first)
    runs -= ((bits[last] & 16) > 0).astype(np.int64) << (5 * digits)  # the highest bit is a sign
    runs[1::2], runs[2::2] = np.cumsum(runs[1::2]), np.cumsum(runs[2::2])
    bounds = np.cumsum(runs)[: len(runs) // 2 * 2].reshape(-1, 2)
    return bounds[bounds[:, 1] > bounds[:, 0]]


def of_bounds(bounds: NDArray[np.int64], height: int, width: int) -> dict[str, Any]:
    """The RLE of `run_bounds`, as `encode` makes it."""
    import numpy as np
    from pycocotools import mask as coco

    counts = np.diff(bounds.ravel(), prepend=0, append=height * width).tolist()
    rle = coco.frPyObjects({"size": [height, width], "counts": counts if counts[-1] else counts[:-1]}, height, width)
    return {"size": [height, width], "counts": rle["counts"].decode("ascii")}


def compressed(rle: Mapping[str, Any]) -> dict[str, Any]:
    """The RLE in pycocotools' own form, whether its counts are text, bytes or a list of numbers."""
    from pycocotools import mask as coco

    height, width = rle["size"]
    if isinstance(rle["counts"], list):
        return dict(coco.frPyObjects(dict(rle), height, width))
    return {"size": [height, width], "counts": rle["counts"]}


def rasterise(
    segmentation: Sequence[Sequence[float]] | Mapping[str, Any], height: int, width: int
) -> dict[str, Any] | None:
    """A COCO segmentation as one RLE of `height` x `width` pixels, its parts united.

    Polygon parts of fewer than three points enclose nothing and are left out (pycocotools
    would take four numbers for a box). None when nothing is left.

    Raises:
        RecycleError: a part is longer around than `MAX_POLYGON_PIXELS`.
    """
    from pycocotools import mask as coco

    if isinstance(segmentation, Mapping):
        return compressed(segmentation)
    parts = [list(part) for part in segmentation if len(part) >= 6]
    if not parts:
        return None
    for part in parts:
        if fault := length_fault(part):
            raise RecycleError(fault, "correct it in the labelling tool: it goes to and fro")
    rles = coco.frPyObjects(parts, height, width)
    return dict(rles[0] if len(rles) == 1 else coco.merge(rles))


def fifths(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Coordinates from 0 on as pycocotools takes them: to the nearest fifth of a pixel; of equal ones, equal pixels."""
    import numpy as np

    return (5 * values + 0.5).astype(np.int64)


def length_fault(part: Sequence[float]) -> str:
    """What is wrong with a polygon that takes too much memory to be filled; empty for others.

    Args:
        part: x1 y1 x2 y2 ... in pixels, finite.
    """
    if not part or len(part) / 2 * (max(part) - min(part)) <= MAX_POLYGON_PIXELS:
        return ""
    length = around(part)
    return (
        ""
        if length <= MAX_POLYGON_PIXELS
        else f"its polygon is {length:.3g} pixels long, and at most {MAX_POLYGON_PIXELS} are filled"
    )


def around(part: Sequence[float]) -> float:
    """How many pixels lie on the edges of a polygon x1 y1 x2 y2 ..."""
    import numpy as np

    corners = np.reshape(part, (-1, 2))
    return float(np.abs(np.roll(corners, -1, 0) - corners).max(1).sum())
