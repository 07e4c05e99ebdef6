"""Whether outlines are boxes that were exported as polygons, or oriented boxes."""

from __future__ import annotations

import logging

from recycle_coco.rectangles import is_rectangle

from recyclecli.errors import counted
from recyclecli.types import Source

log = logging.getLogger("recycle.data")

MIN_BOX_SHARE = 0.05  # of the outlines: fewer may well be of things that are rectangles


def say_boxes(source: Source) -> None:
    """Print a note where outlines of a set are rectangles, with their share."""
    count = boxes = 0
    for index in range(len(source)):
        for one in source.record(index).annotations:
            count += 1
            boxes += isinstance(one.segmentation, list) and all(map(is_rectangle, one.segmentation))
    if boxes > MIN_BOX_SHARE * count:
        log.warning(
            f"note: rectangles: {boxes:,} of {counted(count, 'outline')} ({boxes / count:.0%}); boxes that were "
            "exported as polygons do not say which pixels are an object's"
        )
