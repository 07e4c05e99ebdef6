"""Run-length encoding and polygon filling, on pycocotools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recyclecli.errors import RecycleError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


LONGEST = 2**22  # pixels around a polygon: filling it takes some 80 bytes for each


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
        RecycleError: a part is longer around than `LONGEST`.
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


def length_fault(part: Sequence[float]) -> str:
    """What is wrong with a polygon that takes too much memory to be filled; empty for others.

    Args:
        part: x1 y1 x2 y2 ... in pixels, finite.
    """
    if not part or len(part) / 2 * (max(part) - min(part)) <= LONGEST:
        return ""
    import numpy as np

    corners = np.reshape(part, (-1, 2))
    around = float(np.abs(np.roll(corners, -1, 0) - corners).max(1).sum())
    return "" if around <= LONGEST else f"its polygon is {around:.3g} pixels long, and at most {LONGEST} are filled"
