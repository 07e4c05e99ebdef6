"""One labelled object as a tool outlines it, and as a COCO segmentation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from recycle_coco import decode, rasterise

from recycle_datasets.bitmaps import placed

Outline = Sequence[float]  # x1 y1 x2 y2 ... in pixels, from the upper left corner of the photo


@dataclass(frozen=True, slots=True)
class Shape:
    """One labelled object.

    Attributes:
        name: of its class; `ignore` for pixels of no class.
        outlines: its parts, united.
        holes: taken out of them.
        rle: its pixels in the whole photo as a COCO RLE, in the place of outlines.
        level: what lies on a higher level is drawn over it; see `Annotation`.
        even_odd: what lies in an odd number of the outlines is inside, in the place of their union.
    """

    name: str
    outlines: Sequence[Outline] = ()
    holes: Sequence[Outline] = ()
    rle: Mapping[str, Any] | None = None
    level: int = 0
    even_odd: bool = False


def segmentation(shape: Shape, height: int, width: int) -> list[list[float]] | Mapping[str, Any]:
    """Polygons where they say it all, else an RLE."""
    if shape.rle is not None:
        return shape.rle
    outlines = [outline if isinstance(outline, list) else list(outline) for outline in shape.outlines]
    solid = [outline for outline in outlines if len(outline) >= 6]
    if not solid or not (shape.holes or (shape.even_odd and len(solid) > 1)):
        return outlines
    left, top, right, bottom = _window(solid, height, width)
    if right <= left or bottom <= top:
        return outlines
    size = (bottom - top, right - left)
    inside, holes = np.zeros(size, bool), np.zeros(size, bool)
    for parts, into in ((solid, inside), (shape.holes, holes)):
        for part in parts:
            moved = [value - (top if place % 2 else left) for place, value in enumerate(part)]
            rle = rasterise([moved], *size)
            if rle is not None:
                mask = decode(rle).view(bool)
                into[...] = into ^ mask if shape.even_odd else into | mask
    return placed(inside & ~holes, left, top, height, width)


def _window(outlines: Sequence[Outline], height: int, width: int) -> tuple[int, int, int, int]:
    """The part of a photo that polygons reach: left, top, right and bottom."""
    xs, ys = ([value for outline in outlines for value in outline[start::2]] for start in (0, 1))
    left, top = max(0, math.floor(min(xs)) - 1), max(0, math.floor(min(ys)) - 1)
    return left, top, min(width, math.ceil(max(xs)) + 2), min(height, math.ceil(max(ys)) + 2)
