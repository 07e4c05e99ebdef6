"""Why annotations enclose no pixel, as one cause for many of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from recycle_coco.rle import rasterise

BOXES = "have a box and no outline"
NOTHING = "have no outline"
CORNERS = "have the four numbers of a box for an outline"
POINTS = "have outlines of one or two points"
SHARES = "have coordinates within 0..1, which are shares of the photo's sides and not pixels"
OUTSIDE = "lie outside the photo"
THIN = "enclose no pixel"
REMEDIES = {
    BOXES: "a box does not say which pixels are the object's: export polygons or masks from the labelling tool",
    NOTHING: "export polygons or masks from the labelling tool",
    CORNERS: "a box does not say which pixels are the object's: export polygons or masks from the labelling tool",
    POINTS: "export polygons of three points or more, or masks",
    SHARES: "export coordinates in pixels: shares times the photo's width and height",
    OUTSIDE: "export the labels at the size of these photos",
    THIN: "draw the objects' outlines",
}
ONE = {"have": "has", "lie": "lies", "enclose": "encloses", "are": "is"}


def outline_fault(segmentation: Any, height: int, width: int, boxed: bool = False) -> str:
    """Why a segmentation that passed `shape_fault` encloses no pixel, one of `REMEDIES`; empty when it does.

    Args:
        segmentation: COCO polygons or RLE; None or empty for none.
        height, width: of the photo in pixels.
        boxed: the annotation states a box.
    """
    from pycocotools import mask as coco

    if isinstance(segmentation, Mapping):
        return "" if coco.area(rasterise(segmentation, height, width)) else THIN
    parts = [part for part in segmentation or () if part]
    if not parts:
        return BOXES if boxed else NOTHING
    solid = [part for part in parts if len(part) >= 6]
    if not solid:
        return CORNERS if any(len(part) == 4 for part in parts) and boxed else POINTS
    if are_shares(solid) and min(height, width) > 2:
        return SHARES
    rle = rasterise(solid, height, width)
    if rle is not None and coco.area(rle):
        return ""
    return OUTSIDE if all(_is_outside(part, height, width) for part in solid) else THIN


def are_shares(parts: Sequence[Sequence[float]]) -> bool:
    """Whether all coordinates of polygons lie within 0..1, the corner of a photo's first pixel."""
    return bool(parts) and all(len(part) >= 6 and part[0] <= 1 and max(part) <= 1 and min(part) >= 0 for part in parts)


def _is_outside(part: Sequence[float], height: int, width: int) -> bool:
    across, down = part[0::2], part[1::2]
    return max(across) <= 0 or max(down) <= 0 or min(across) >= width or min(down) >= height


def told(causes: Counter[str], total: int) -> str:
    """The causes as a clause: `all 6,433 annotations have a box and no outline`."""
    if len(causes) == 1 and causes.total() == total:
        (cause,) = causes
        return f"all {total:,} annotations {cause}" if total > 1 else f"the only annotation {_singular(cause)}"
    return ", ".join(
        f"{count:,} of {total:,} annotations {cause if count > 1 else _singular(cause)}"
        for cause, count in causes.most_common()
    )


def _singular(cause: str) -> str:
    verb, _, rest = cause.partition(" ")
    return f"{ONE[verb]} {rest}"
