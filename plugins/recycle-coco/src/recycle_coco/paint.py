"""The painting rule: large objects first, small ones on top, ignore last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recycle_coco.occlusion import filled, front
from recycle_coco.rle import decode_box, rasterise, run_bounds
from recyclecli.types import IGNORE, Annotation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REPEATS = 8  # times that pixels are painted over before it is found out what is seen
UNTIMED = 2**26  # pixels that are painted whatever
MAX_COMPARED_CHARACTERS = 2**24  # characters of runs that are compared


def paint(
    annotations: Sequence[Annotation], height: int, width: int, ground: int = 0
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Paint annotations into a mask (H, W) uint8 and the visible instances (H, W) int32.

    Order: by level, within one that of `painting_order`; regions to ignore last. Instance k is the k-th annotation,
    from 1; crowds and ignored regions are painted over instances as 0. Pixels of no annotation are `ground`.
    """
    import numpy as np

    ordered = _ordered(annotations, height, width)
    labels = np.array([one.label for _, one, _, _ in ordered], np.uint8)
    single = [0 if one.iscrowd or one.label == IGNORE else number for number, one, _, _ in ordered]
    numbers = np.array(single, np.int32)
    rles = [rle for _, _, rle, _ in ordered]
    if _repeats(rles, height, width) > REPEATS:
        runs, owner = front([run_bounds(rle) for rle in rles])
        return filled(runs, labels[owner], ground, height, width), filled(runs, numbers[owner], 0, height, width)
    mask = np.full((height, width), ground, np.uint8)
    instances = np.zeros((height, width), np.int32)
    for label, number, rle in zip(labels, numbers, rles, strict=True):
        top, left, inside = decode_box(rle)
        window = np.s_[top : top + inside.shape[0], left : left + inside.shape[1]]
        np.copyto(mask[window], label, where=inside)
        np.copyto(instances[window], number, where=inside)
    return mask, instances


def painted_areas(
    annotations: Sequence[Annotation], height: int, width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """(N,) pixels of each annotation, and (N,) those that are seen once all are painted, without painting any.

    None where they have so many runs that painting takes less memory.
    """
    import numpy as np

    own, seen = np.zeros(len(annotations), np.int64), np.zeros(len(annotations), np.int64)
    ordered = _ordered(annotations, height, width)
    if sum(len(rle["counts"]) for _, _, rle, _ in ordered) > MAX_COMPARED_CHARACTERS:
        return None
    places = np.array([number - 1 for number, _, _, _ in ordered], np.int64)
    own[places] = [area for _, _, _, area in ordered]
    runs, owner = front([run_bounds(rle) for _, _, rle, _ in ordered])
    seen[places] = np.bincount(owner, runs[:, 1] - runs[:, 0], len(places))
    return own, seen


def _ordered(
    annotations: Sequence[Annotation], height: int, width: int
) -> list[tuple[int, Annotation, dict[str, Any], float]]:
    """The annotations that enclose something in the order of painting: number from 1, annotation, RLE, its pixels."""
    from pycocotools import mask as coco

    shapes = []
    for number, annotation in enumerate(annotations, start=1):
        rle = rasterise(annotation.segmentation, height, width)
        if rle is not None:
            shapes.append((number, annotation, rle, float(coco.area(rle))))
    order = painting_order([(area, one.area, one.iscrowd) for _, one, _, area in shapes])
    return sorted((shapes[place] for place in order), key=lambda shape: (shape[1].label == IGNORE, shape[1].level))


def _repeats(rles: Sequence[Mapping[str, Any]], height: int, width: int) -> float:
    """How often each pixel would be painted, were the shapes painted over each other; 0 where that takes no time."""
    import numpy as np
    from pycocotools import mask as coco

    if len(rles) <= REPEATS or sum(len(rle["counts"]) for rle in rles) > MAX_COMPARED_CHARACTERS:
        return 0
    boxes = np.array(coco.toBbox(rles)).clip(0, (width, height, width, height))
    total = float((boxes[:, 2] * boxes[:, 3]).sum())
    return total / (height * width) if total > UNTIMED else 0


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
