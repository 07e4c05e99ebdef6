"""Whether outlines are boxes that were exported as polygons, or oriented boxes."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

from recyclecli.errors import counted
from recyclecli.types import Source

LEAST = 0.05  # of the outlines: fewer may well be of things that are rectangles
NEAR = 0.02  # of the longer diagonal, by which corners of a rectangle may be off
CLOSED = (8, 10)  # numbers of four corners, the first of them twice or not


def say_boxes(source: Source) -> None:
    """Print a note where outlines of a set are rectangles, with their share."""
    count = boxes = 0
    for index in range(len(source)):
        for one in source.record(index).annotations:
            count += 1
            boxes += isinstance(one.segmentation, list) and all(map(is_rectangle, one.segmentation))
    if boxes > LEAST * count:
        print(
            f"note: rectangles: {boxes:,} of {counted(count, 'outline')} ({boxes / count:.0%}); boxes that were "
            "exported as polygons do not say which pixels are an object's",
            file=sys.stderr,
        )


def is_rectangle(outline: Sequence[float]) -> bool:
    """Whether x1 y1 x2 y2 ... are the corners of a rectangle, turned or not: diagonals of one length and one middle."""
    if len(outline) not in CLOSED or tuple(outline[8:]) not in ((), tuple(outline[:2])):
        return False
    points = [*zip(outline[:8:2], outline[1:8:2], strict=True)]
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = points
    first, second = math.hypot(cx - ax, cy - ay), math.hypot(dx - bx, dy - by)
    apart = math.hypot(ax + cx - bx - dx, ay + cy - by - dy) / 2
    return max(abs(first - second), apart) <= NEAR * max(first, second)
