"""What is seen of objects whose drawing order COCO's rule, the largest first, would not keep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from recycle_coco.occlusion import over
from recycle_coco.paint import painting_order
from recycle_coco.rle import of_bounds, run_bounds

from recyclecli.types import IGNORE, Annotation

Rle = dict[str, Any]


def visible(annotations: Sequence[Annotation], rles: Sequence[Rle | None], background: bool) -> dict[int, Rle]:
    """The visible pixels of the objects that another class hides a part of, where COCO's rule would show that part.

    What is cut out is all that lies above the object, so that its new size decides nothing. Drawn background is no
    object, and cut out of what it lies over. Ignored regions stay on top.

    Args:
        annotations: of one photo.
        rles: of each its pixels; None for no pixel.
        background: whether label 0 is the background.

    Returns:
        Place among the annotations to the RLE, which may be empty.
    """
    import numpy as np
    from pycocotools import mask as coco

    drawn_away = background and any(one.label == 0 for one in annotations)
    if len({one.level for one in annotations}) < 2 and not drawn_away:
        return {}
    pairs = enumerate(zip(annotations, rles, strict=True))
    drawn = [(place, one, rle) for place, (one, rle) in pairs if rle is not None and one.label != IGNORE]
    chosen, shapes = [one for _, one, _ in drawn], [rle for _, _, rle in drawn]
    order = painting_order([(float(coco.area(rle)), one.area, one.iscrowd) for _, one, rle in drawn])
    rank = np.argsort(order)
    label, level = (np.array([getattr(one, key) for one in chosen]) for key in ("label", "level"))
    left, top, across, down = np.array([coco.toBbox(rle) for rle in shapes]).reshape(-1, 4).T
    found = {}
    for here, (place, _, _) in enumerate(drawn):
        above = (level > level[here]) | ((level == level[here]) & (rank > rank[here]))
        meets = (left < left[here] + across[here]) & (left[here] < left + across)
        meets &= (top < top[here] + down[here]) & (top[here] < top + down) & (label != label[here])
        upper = np.flatnonzero(above & meets)
        shown_under = upper[(rank[upper] < rank[here]) | (background & (label[upper] == 0))]
        if not any(coco.area(coco.merge([shapes[here], shapes[other]], True)) for other in shown_under):
            continue
        hiding = coco.merge([shapes[other] for other in upper])
        found[place] = of_bounds(over(run_bounds(shapes[here]), run_bounds(hiding))[0], *shapes[here]["size"])
    return found
