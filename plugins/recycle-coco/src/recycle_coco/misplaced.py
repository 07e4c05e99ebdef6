"""Whether outlines lie where their photos and boxes are, or are of another size, or have x and y swapped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recycle_coco.document import shape_fault
from recycle_coco.rle import compressed, of_bounds, run_bounds

SAMPLED_OBJECTS = 500  # objects that are asked
SLACK_PIXELS = 2.0  # pixels that may be off, besides ...
SLACK_SHARE, NEAR_BOX_SHARE = 0.05, 0.01  # ... a share of the photo's longer side: beyond its edge, and from a box
MAX_OUTSIDE_SHARE, MISFIT_SHARE = 0.25, 0.5  # of the objects: so many are no slip of the hand,
MIN_OUTSIDE_OBJECTS = 3  # nor so many of them that leave their photos
OTHER_SCALE = 1.1  # times as large as its box is another scale

CORNER_OBJECTS, CORNER_SHARE = 20, 0.52  # objects, and the share of both sides beyond which one of so many lies
Bounds = tuple[float, float, float, float]  # left, top, right, bottom


def misplaced(content: Mapping[str, Any]) -> str:
    """Why the outlines of a COCO content are hardly those of its photos; empty where they fit.

    Some hundred objects are asked. Boxes alone prove nothing, since many are wrong where outlines are right; they prove
    much where they are the outline's own, turned or scaled. They may be corner to corner.
    """
    images = {image["id"]: image for image in content["images"]}
    every = [one for one in content["annotations"] if not one.get("iscrowd") and one["image_id"] in images]
    asked = every[:: -(-len(every) // SAMPLED_OBJECTS) or 1]
    right_most = lowest = 0.0
    total = outside = boxed = swapped = scaled = mirrored = inverted = 0
    for one in asked:
        image = images[one["image_id"]]
        outline = one.get("segmentation")
        bounds = None if shape_fault(outline, image) else bounds_of(outline)
        if bounds is None:
            continue
        side = max(image["width"], image["height"])
        left, top, right, bottom = bounds
        total += 1
        outside += (
            max(-left, -top, right - image["width"], bottom - image["height"]) > SLACK_PIXELS + SLACK_SHARE * side
        )
        right_most, lowest = max(right_most, right / image["width"]), max(lowest, bottom / image["height"])
        box = one.get("bbox")
        if isinstance(box, list) and len(box) == 4 and _are_pixels(box):
            boxed += 1
            slack = SLACK_PIXELS + NEAR_BOX_SHARE * side
            if not _fits(box, bounds, slack):
                swapped += _fits(box, _swapped(outline, bounds), slack)
                scaled += _is_scaled(box, bounds, slack)
                mirrored += any(_fits(box, other, slack) for other in _mirrored(bounds, image))
                inverted += _is_inverted(box, outline, slack)
    if swapped > MISFIT_SHARE * boxed:
        return f"the outlines of {swapped} of {boxed} objects fit their boxes with x and y swapped"
    if scaled > MISFIT_SHARE * boxed:
        return f"the outlines of {scaled} of {boxed} objects fit their boxes at another scale"
    if mirrored > MISFIT_SHARE * boxed:
        return f"the outlines of {mirrored} of {boxed} objects fit their boxes mirrored"
    if inverted > MISFIT_SHARE * boxed:
        return f"the runs of {inverted} of {boxed} objects are what lies around their boxes: they begin with the object"
    if outside >= MIN_OUTSIDE_OBJECTS and outside > MAX_OUTSIDE_SHARE * total:
        return f"the outlines of {outside} of {total} objects leave their photos"
    if total >= CORNER_OBJECTS and max(right_most, lowest) <= CORNER_SHARE:
        return f"the outlines of all {total} objects lie in the upper left quarter of their photos, as of smaller ones"
    return ""


def bounds_of(segmentation: Any) -> Bounds | None:
    """Of polygons or an RLE; None where there is no outline."""
    if isinstance(segmentation, Mapping):
        from pycocotools import mask as coco

        left, top, width, height = coco.toBbox(compressed(segmentation)).tolist()
        return (left, top, left + width, top + height) if width and height else None
    parts = [part for part in segmentation or () if len(part) >= 6]
    if not parts:
        return None
    axes = [[part[axis::2] for part in parts] for axis in (0, 1)]
    left, top = (min(map(min, numbers)) for numbers in axes)
    right, bottom = (max(map(max, numbers)) for numbers in axes)
    return left, top, right, bottom


def _swapped(segmentation: Any, bounds: Bounds) -> Bounds:
    """Bounds with x and y swapped: of polygons' points, or of runs that were counted row by row."""
    if isinstance(segmentation, Mapping):
        height, width = segmentation["size"]
        bounds = bounds_of({**segmentation, "size": [width, height]}) or bounds
    left, top, right, bottom = bounds
    return top, left, bottom, right


def _mirrored(bounds: Bounds, image: Mapping[str, Any]) -> tuple[Bounds, Bounds]:
    """Bounds with left and right changed, and with top and bottom."""
    left, top, right, bottom = bounds
    width, height = image["width"], image["height"]
    return (width - right, top, width - left, bottom), (left, height - bottom, right, height - top)


def _is_inverted(box: Sequence[float], segmentation: Any, slack: float) -> bool:
    """Whether a box is that of the pixels which an RLE leaves out."""
    if not isinstance(segmentation, Mapping):
        return False
    import numpy as np

    height, width = segmentation["size"]
    edges = np.concatenate([[0], run_bounds(segmentation).ravel(), [height * width]]).reshape(-1, 2)
    bounds = bounds_of(of_bounds(edges[edges[:, 1] > edges[:, 0]], height, width))
    return bounds is not None and _fits(box, bounds, slack)


def _is_scaled(box: Sequence[float], bounds: Bounds, slack: float) -> bool:
    """Whether bounds are those of a box times one factor across, and one down."""
    left, top, across, down = box
    factors = ((bounds[2] - bounds[0]) / across, (bounds[3] - bounds[1]) / down)
    off = max(abs(left * factors[0] - bounds[0]), abs(top * factors[1] - bounds[1]))
    return off <= slack and all(max(factor, 1 / factor if factor else OTHER_SCALE) >= OTHER_SCALE for factor in factors)


def _are_pixels(box: Sequence[Any]) -> bool:
    numbers = [number for number in box if isinstance(number, (int, float)) and not isinstance(number, bool)]
    return len(numbers) == len(box) and max(numbers) > 1 and min(numbers[2:]) > 0


def _fits(box: Sequence[float], bounds: Bounds, slack: float) -> bool:
    """Whether a box, as left, top, width and height or corner to corner, is that of the bounds."""
    left, top, across, down = box
    ends = ((left + across, top + down), (across, down))
    near = abs(left - bounds[0]) <= slack and abs(top - bounds[1]) <= slack
    return near and any(abs(x - bounds[2]) <= slack and abs(y - bounds[3]) <= slack for x, y in ends)
