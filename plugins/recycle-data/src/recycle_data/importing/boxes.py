"""Whether outlines are boxes that were exported as polygons, or oriented boxes."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence

from recyclecli.types import Source

FEW = 20  # outlines that prove nothing
NEAR = 0.02  # of the longer diagonal, by which corners of a rectangle may be off
CORNERS = 4


def say_boxes(source: Source) -> None:
    """Print a note where all outlines of a set are rectangles, as no drawn set is."""
    count = 0
    for index in range(len(source)):
        for one in source.record(index).annotations:
            if not isinstance(one.segmentation, list) or not all(map(is_rectangle, one.segmentation)):
                return
            count += 1
    if count > FEW:
        print(
            f"note: all {count} outlines are rectangles, as boxes are that were exported as polygons: they do not say "
            "which pixels are an object's",
            file=sys.stderr,
        )


def is_rectangle(outline: Sequence[float]) -> bool:
    """Whether x1 y1 x2 y2 ... are the corners of a rectangle, turned or not: diagonals of one length and one middle."""
    points = [*zip(outline[::2], outline[1::2], strict=False)]
    points = points[:-1] if len(points) > 1 and points[0] == points[-1] else points
    if len(points) != CORNERS:
        return False
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = points
    first, second = math.hypot(cx - ax, cy - ay), math.hypot(dx - bx, dy - by)
    apart = math.hypot(ax + cx - bx - dx, ay + cy - by - dy) / 2
    return max(abs(first - second), apart) <= NEAR * max(first, second)
