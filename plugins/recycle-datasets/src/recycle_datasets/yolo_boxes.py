"""Boxes in YOLO label files that look like outlines: before each outline, or in the place of all."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from recycle_coco import photo_size
from recycle_coco.rectangles import is_rectangle

from recycle_datasets.yolo_lines import Line
from recyclecli.types import RecycleError, counted

log = logging.getLogger("recycle.datasets")

CORNERS = 8  # numbers of an oriented box
LOOKED = 20  # photos whose boxes are measured
NEAR = 0.002  # of a side: rounding


def say_oriented(root: Path, files: Sequence[Path], lines: Sequence[Sequence[Line]]) -> None:
    """Print a note where all outlines have four corners and those that are measured are rectangles.

    Args:
        root: of the set.
        files: the photos.
        lines: of each photo.
    """
    every = [points for one in lines for _, points in one]
    if not every or any(len(points) != CORNERS for points in every):
        return
    measured = 0
    for file, found in [(file, found) for file, found in zip(files, lines, strict=True) if found][:LOOKED]:
        with suppress(RecycleError):  # who reads the photo says why
            height, width = photo_size(file)
            shapes = [(np.reshape(points, (-1, 2)) * (width, height)).ravel().tolist() for _, points in found]
            if not all(map(is_rectangle, shapes)):
                return
            measured += len(shapes)
    if measured:
        log.warning(
            f"note: {root}: {counted(len(every), 'outline')} of four corners and right angles, as oriented boxes (OBB) "
            "have them: they are taken for areas, and boxes do not say which pixels are an object's"
        )


def without_boxes(lines: list[Line]) -> list[Line]:
    """The lines without the box before each outline, as some tools write it; as they are where one has none."""
    return [(number, points[4:]) for number, points in lines] if all(_boxed(points) for _, points in lines) else lines


def _boxed(points: list[float]) -> bool:
    """Whether the first four numbers are centre and size of the box around the others."""
    rest = points[4:]
    if len(rest) < 6:
        return False
    ends = [(min(rest[axis::2]), max(rest[axis::2])) for axis in (0, 1)]
    box = [*((low + high) / 2 for low, high in ends), *(high - low for low, high in ends)]
    return all(abs(one - other) < NEAR for one, other in zip(points, box, strict=False))
