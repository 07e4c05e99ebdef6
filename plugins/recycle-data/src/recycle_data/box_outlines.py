"""Whether outlines are boxes that were exported as polygons, or oriented boxes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from recycle_coco.rectangles import is_rectangle

from recyclecli.errors import counted

MIN_BOX_SHARE = 0.05  # of the outlines: fewer may well be of things that are rectangles


def box_share(segmentations: Iterable[Any]) -> str:
    """How many outlines are rectangles, with their share; empty where they are few."""
    count = boxes = 0
    for segmentation in segmentations:
        count += 1
        boxes += isinstance(segmentation, list) and bool(segmentation) and all(map(_is_box, segmentation))
    return f"{boxes:,} of {counted(count, 'outline')} ({boxes / count:.0%})" if boxes > MIN_BOX_SHARE * count else ""


def _is_box(part: Any) -> bool:
    numbers = isinstance(part, list) and all(isinstance(one, (int, float)) for one in part)
    return numbers and is_rectangle(part)
