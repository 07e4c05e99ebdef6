"""Areas that are no polygons: ellipses as outlines; and sides of photos."""

import math
from typing import Any

import numpy as np

ELLIPSE_CORNERS = 96
MAX_PIXELS_OF_A_SIDE = 2**30  # pixels of a side
MAX_NUMBER_CHARACTERS = 20  # of a number as text
WIDER = math.sqrt(
    2 * math.pi / ELLIPSE_CORNERS / math.sin(2 * math.pi / ELLIPSE_CORNERS)
)  # the polygon's area is the ellipse's


def ellipse(x: float, y: float, across: float, down: float, degrees: float = 0) -> list[list[float]]:
    """The corners of a polygon of the area of an ellipse.

    Args:
        x, y: its centre in pixels.
        across, down: its radii before it is turned.
        degrees: it is turned about its centre, clockwise on the screen.
    """
    angles = np.arange(ELLIPSE_CORNERS) * (2 * math.pi / ELLIPSE_CORNERS)
    along, beside = across * WIDER * np.cos(angles), down * WIDER * np.sin(angles)
    turn = math.radians(degrees) if math.isfinite(degrees) else math.nan
    cos, sin = math.cos(turn), math.sin(turn)
    corners: list[list[float]] = np.stack([x + along * cos - beside * sin, y + along * sin + beside * cos], 1).tolist()
    return corners


def is_number(text: str) -> bool:
    """Whether a text is a whole number from 0 on, of digits alone and no more of them than any real one has."""
    return text.isdecimal() and text.isascii() and len(text) < MAX_NUMBER_CHARACTERS


def side_of(value: Any) -> int | None:
    """A side of a photo as a file states it, in whole pixels; None where that is no side."""
    if isinstance(value, str):
        value = int(value) if is_number(value) else None
    number = isinstance(value, int | float) and 1 <= value <= MAX_PIXELS_OF_A_SIDE
    return int(value) if number else None
