"""The sizes that photos of COCO files were labelled at."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from recycle_coco import read_head

from recyclecli.types import RecycleError

log = logging.getLogger("recycle.datasets")


def sized(root: Path, content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """State each photo's size as it was labelled, and yield the photos whose size cannot be that."""
    shapes: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for one in content["annotations"]:
        shapes[one["image_id"]].append(one)
    scaled = 0
    for image in content["images"]:
        try:
            stored, orientation, _ = read_head(root / image["file_name"])
        except RecycleError as error:
            yield image["file_name"], str(error.args[0])
            continue
        turned = stored[::-1] if orientation >= 5 else stored
        stated = (image.get("width"), image.get("height"))
        if stated in (stored, turned):
            continue
        own = shapes[image["id"]]
        rle = next((one["segmentation"] for one in own if isinstance(one.get("segmentation"), dict)), None)
        if not (isinstance(stated[0], int) and isinstance(stated[1], int) and min(stated) > 0):
            of_rle = tuple(rle["size"][::-1]) if rle and isinstance(rle.get("size"), list) else None
            image["width"], image["height"] = of_rle if of_rle in (stored, turned) else turned
            continue
        right, lower = _reach(own)
        fits = right <= stated[0] + 1 and lower <= stated[1] + 1
        of_photo = not own or (not fits and right <= turned[0] + 1 and lower <= turned[1] + 1)
        alike = abs(stated[0] * turned[1] - stated[1] * turned[0]) <= max(*stated, *turned)
        if rle is None and of_photo:
            image["width"], image["height"] = turned
        elif rle is None and fits and alike:
            _scale(own, turned[0] / stated[0], turned[1] / stated[1])
            image["width"], image["height"] = turned
            scaled += 1
        else:
            size = f"{stored[0]}x{stored[1]} pixels, and was labelled at {stated[0]}x{stated[1]}"
            yield image["file_name"], f"the photo has {size}"
    if scaled:
        log.warning(f"note: photos have another scale than their labels, which are scaled: {scaled}")


def _reach(annotations: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """The largest x and y of outlines."""
    right = lower = 0.0
    for one in annotations:
        for part in one.get("segmentation") or ():
            if isinstance(part, list) and part and all(isinstance(value, int | float) for value in part):
                right, lower = max(right, *part[0::2]), max(lower, *(part[1::2] or [0]))
    return right, lower


def _scale(annotations: Sequence[dict[str, Any]], across: float, down: float) -> None:
    for one in annotations:
        one["segmentation"] = [
            [value * (down if place % 2 else across) for place, value in enumerate(part)]
            if isinstance(part, list) and all(isinstance(value, int | float) for value in part)
            else part
            for part in one.get("segmentation") or ()
        ]
        one.pop("area", None)
        one.pop("bbox", None)
