"""Run-length encoding and polygon filling, on pycocotools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def encode(mask: NDArray[Any]) -> dict[str, Any]:
    """(H, W) mask, non-zero inside, as a compressed COCO RLE whose counts are text; holes survive."""
    import numpy as np
    from pycocotools import mask as coco

    rle = coco.encode(np.asfortranarray(mask != 0, dtype=np.uint8))
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
    """
    from pycocotools import mask as coco

    if isinstance(segmentation, Mapping):
        return compressed(segmentation)
    parts = [list(part) for part in segmentation if len(part) >= 6]
    if not parts:
        return None
    rles = coco.frPyObjects(parts, height, width)
    return dict(rles[0] if len(rles) == 1 else coco.merge(rles))
