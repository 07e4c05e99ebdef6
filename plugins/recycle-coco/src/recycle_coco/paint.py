"""The painting rule: large objects first, small ones on top, ignore last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from recycle_coco.rle import rasterise
from recyclecli.types import IGNORE, Annotation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def paint(
    annotations: Sequence[Annotation], height: int, width: int, ground: int = 0
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Paint annotations into a mask (H, W) uint8 and the visible instances (H, W) int32.

    Order: by level, within one that of `painting_order`; regions to ignore last. Instance k is the k-th annotation,
    from 1; crowds and ignored regions are painted over instances as 0. Pixels of no annotation are `ground`.
    """
    import numpy as np
    from pycocotools import mask as coco

    shapes = []
    for number, annotation in enumerate(annotations, start=1):
        rle = rasterise(annotation.segmentation, height, width)
        if rle is not None:
            shapes.append((number, annotation, rle, float(coco.area(rle))))
    order = painting_order([(area, one.area, one.iscrowd) for _, one, _, area in shapes])
    ordered = sorted((shapes[place] for place in order), key=lambda shape: (shape[1].label == IGNORE, shape[1].level))
    mask = np.full((height, width), ground, np.uint8)
    instances = np.zeros((height, width), np.int32)
    for number, annotation, rle, _ in ordered:
        left, top, across, down = (int(value) for value in coco.toBbox(rle))
        window = np.s_[top : top + down, left : left + across]
        inside = coco.decode(rle)[window].view(bool)
        np.copyto(mask[window], annotation.label, where=inside)
        np.copyto(instances[window], 0 if annotation.iscrowd or annotation.label == IGNORE else number, where=inside)
    return mask, instances


def painting_order(shapes: Sequence[tuple[float, float | None, bool]]) -> list[int]:
    """The places of the shapes in the order of painting: the largest first, of equal ones the first in the file.

    Objects count by their own area: a stated one may be that of the box. Among each other, crowds count
    by the stated area where there is one.

    Args:
        shapes: of each its own area in pixels, the stated area or None, and whether it is a crowd.
    """
    order = sorted(range(len(shapes)), key=lambda place: -shapes[place][0])
    slots = [slot for slot, place in enumerate(order) if shapes[place][2]]
    stated = [own if area is None else area for own, area, _ in shapes]
    for slot, place in zip(
        slots, sorted((order[slot] for slot in slots), key=lambda place: -stated[place]), strict=True
    ):
        order[slot] = place
    return order
