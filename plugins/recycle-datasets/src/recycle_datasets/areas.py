"""Areas that are no polygons: ellipses as outlines, and small masks placed in a photo."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recyclecli.coco import rasterise

CORNERS = 96
MOST = 2**30  # pixels of a photo
WIDER = math.sqrt(2 * math.pi / CORNERS / math.sin(2 * math.pi / CORNERS))  # the polygon's area is the ellipse's


def ellipse(x: float, y: float, across: float, down: float, degrees: float = 0) -> list[list[float]]:
    """The corners of a polygon of the area of an ellipse.

    Args:
        x, y: its centre in pixels.
        across, down: its radii before it is turned.
        degrees: it is turned about its centre, clockwise on the screen.
    """
    angles = np.arange(CORNERS) * (2 * math.pi / CORNERS)
    along, beside = across * WIDER * np.cos(angles), down * WIDER * np.sin(angles)
    turn = math.radians(degrees) if math.isfinite(degrees) else math.nan
    cos, sin = math.cos(turn), math.sin(turn)
    corners: list[list[float]] = np.stack([x + along * cos - beside * sin, y + along * sin + beside * cos], 1).tolist()
    return corners


def placed(mask: NDArray[Any], left: int, top: int, height: int, width: int) -> Mapping[str, Any]:
    """The COCO RLE of a photo of `height` x `width` pixels that shows a mask at a place; what is outside is cut off.

    Args:
        mask: (h, w), non-zero inside.
        left, top: where its upper left pixel lies.
        height, width: of the photo.

    Raises:
        ValueError: a photo of no or of too many pixels.
    """
    if not 0 < height * width <= MOST or height < 0:
        raise ValueError(f"a photo of {width}x{height} pixels")
    rows, columns = slice(max(0, -top), max(0, height - top)), slice(max(0, -left), max(0, width - left))
    inside = mask[rows, columns] != 0
    if not inside.any():
        inside, left, top = inside[:0, :0], 0, 0
    left, top = max(0, left), max(0, top)
    edges = np.diff(np.pad(inside.T, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    column, row = np.nonzero(edges)  # starts and ends by turns, column by column
    places = (left + column) * height + top + row
    counts = np.diff(places, prepend=0, append=height * width).tolist()
    rle = rasterise({"size": [height, width], "counts": counts}, height, width)
    return rle if rle is not None else {"size": [height, width], "counts": [height * width]}


def side_of(value: Any) -> int | None:
    """A side of a photo as JSON states it, in whole pixels; None where that is no side."""
    number = isinstance(value, int | float) and math.isfinite(value) and 1 <= value <= MOST
    return int(value) if number else None
