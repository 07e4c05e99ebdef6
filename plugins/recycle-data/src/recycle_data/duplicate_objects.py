"""Objects that are drawn twice, nearly alike, as two people or two imports leave them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

from recycle_coco.misplaced import Bounds, bounds_of

from recyclecli.errors import counted

SAME = 0.85  # intersection over union of the boxes of one object that is drawn twice
DUPLICATED_SHARE, MIN_DUPLICATES = 0.1, 2  # share of the objects, and number, that are no chance
MAX_COMPARED_OBJECTS = 200  # objects of a photo that are compared with each other


def doubled(photos: Iterable[Iterable[Any]]) -> str:
    """How many outlines lie nearly, not exactly, where another one of their photo does; "" where few do.

    Args:
        photos: the segmentations of each.
    """
    objects = twice = 0
    for segmentations in photos:
        outlines = [one for one in segmentations if not isinstance(one, Mapping)][:MAX_COMPARED_OBJECTS]
        boxes = [(box, one) for box, one in zip(map(bounds_of, outlines), outlines, strict=True) if box]
        objects += len(boxes)
        pairs = combinations(enumerate(boxes), 2)
        twice += len(
            {second for (_, (box, one)), (second, (near, other)) in pairs if one != other and _alike(box, near)}
        )
    return (
        f"{counted(twice, 'object')} nearly where another one is"
        if twice > max(MIN_DUPLICATES, DUPLICATED_SHARE * objects)
        else ""
    )


def content_shapes(content: Mapping[str, Any]) -> Iterator[list[Any]]:
    """The segmentations of each image of a COCO content that are sound outlines."""
    from recycle_coco.document import shape_fault

    own: dict[Any, list[Any]] = {image["id"]: [] for image in content["images"]}
    images = {image["id"]: image for image in content["images"]}
    for one in content["annotations"]:
        image = images.get(one.get("image_id"))
        if image and not shape_fault(one.get("segmentation"), image):
            own[image["id"]].append(one.get("segmentation"))
    yield from own.values()


def _alike(one: Bounds, other: Bounds) -> bool:
    across, down = (min(one[axis + 2], other[axis + 2]) - max(one[axis], other[axis]) for axis in (0, 1))
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    common = max(across, 0) * max(down, 0)
    return common >= SAME * (areas - common) > 0
