"""Whether an outline is a rectangle, as boxes are."""

import math
from collections.abc import Sequence

CORNER_TOLERANCE = 0.02  # of the longer diagonal, by which corners of a rectangle may be off
RECTANGLE_NUMBERS = (8, 10)  # numbers of four corners, the first of them twice or not


def is_rectangle(outline: Sequence[float]) -> bool:
    """Whether x1 y1 x2 y2 ... are the corners of a rectangle, turned or not: diagonals of one length and one middle."""
    if len(outline) not in RECTANGLE_NUMBERS or tuple(outline[8:]) not in ((), tuple(outline[:2])):
        return False
    points = [*zip(outline[:8:2], outline[1:8:2], strict=True)]
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = points
    first, second = math.hypot(cx - ax, cy - ay), math.hypot(dx - bx, dy - by)
    apart = math.hypot(ax + cx - bx - dx, ay + cy - by - dy) / 2
    return max(abs(first - second), apart) <= CORNER_TOLERANCE * max(first, second)
