"""Why annotations enclose no pixel, as one cause for many of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from recycle_coco.rle import rasterise

BOX_WITHOUT_OUTLINE = "have a box and no outline"
NO_OUTLINE = "have no outline"
BOX_AS_OUTLINE = "have the four numbers of a box for an outline"
TOO_FEW_POINTS = "have outlines of one or two points"
RELATIVE_COORDINATES = "have coordinates within 0..1, which are shares of the photo's sides and not pixels"
OUTSIDE_PHOTO = "lie outside the photo"
NO_PIXEL = "enclose no pixel"
OUTLINES = "export polygons or masks from the labelling tool"
REMEDIES = {
    BOX_WITHOUT_OUTLINE: f"a box does not say which pixels are the object's: {OUTLINES}",
    NO_OUTLINE: OUTLINES,
    BOX_AS_OUTLINE: f"a box does not say which pixels are the object's: {OUTLINES}",
    TOO_FEW_POINTS: "export polygons of three points or more, or masks",
    RELATIVE_COORDINATES: "export coordinates in pixels: shares times the photo's width and height",
    OUTSIDE_PHOTO: "export the labels at the size of these photos",
    NO_PIXEL: "draw the objects' outlines",
}
SINGULAR_VERBS = {"have": "has", "lie": "lies", "enclose": "encloses", "are": "is"}


def outline_fault(segmentation: Any, height: int, width: int, boxed: bool = False) -> str:
    """Why a segmentation that passed `shape_fault` encloses no pixel, one of `REMEDIES`; empty when it does.

    Args:
        segmentation: COCO polygons or RLE; None or empty for none.
        height, width: of the photo in pixels.
        boxed: the annotation states a box.
    """
    from pycocotools import mask as coco

    if isinstance(segmentation, Mapping):
        return "" if coco.area(rasterise(segmentation, height, width)) else NO_PIXEL
    parts = [part for part in segmentation or () if part]
    if not parts:
        return BOX_WITHOUT_OUTLINE if boxed else NO_OUTLINE
    solid = [part for part in parts if len(part) >= 6]
    if not solid:
        return BOX_AS_OUTLINE if any(len(part) == 4 for part in parts) and boxed else TOO_FEW_POINTS
    if are_shares(solid) and min(height, width) > 2:
        return RELATIVE_COORDINATES
    rle = rasterise(solid, height, width)
    if rle is not None and coco.area(rle):
        return ""
    return OUTSIDE_PHOTO if all(_is_outside(part, height, width) for part in solid) else NO_PIXEL


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
    return f"{SINGULAR_VERBS[verb]} {rest}"
