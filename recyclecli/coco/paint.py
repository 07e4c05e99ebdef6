"""The painting rule: large objects first, small ones on top, ignore last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from recyclecli.coco.rle import rasterise
from recyclecli.types import IGNORE, Annotation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def paint(
    annotations: Sequence[Annotation], height: int, width: int, ground: int = 0
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Paint annotations into a mask (H, W) uint8 and the visible instances (H, W) int32.

    Order: stated area descending, the shape's own area where none is stated, ties in file
    order, later on top; regions to ignore last. Instance k is the k-th annotation, from 1;
    crowds and ignored regions are painted over instances as 0. Pixels of no annotation are `ground`.
    """
    import numpy as np
    from pycocotools import mask as coco

    shapes = []
    for number, annotation in enumerate(annotations, start=1):
        rle = rasterise(annotation.segmentation, height, width)
        if rle is not None:
            area = float(coco.area(rle)) if annotation.area is None else annotation.area
            shapes.append((annotation.label == IGNORE, -area, number, annotation, rle))
    mask = np.full((height, width), ground, np.uint8)
    instances = np.zeros((height, width), np.int32)
    for ignored, _, number, annotation, rle in sorted(shapes, key=lambda shape: shape[:3]):
        left, top, across, down = (int(value) for value in coco.toBbox(rle))
        window = np.s_[top : top + down, left : left + across]
        inside = coco.decode(rle)[window].view(bool)
        np.copyto(mask[window], annotation.label, where=inside)
        np.copyto(instances[window], 0 if annotation.iscrowd or ignored else number, where=inside)
    return mask, instances
