"""Photos whose objects would take minutes to be filled, however few bytes describe them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from recycle_coco.rle import around
from recyclecli.errors import RecycleError
from recyclecli.types import Annotation

MAX_OBJECTS_PER_PHOTO = 100_000  # of a photo
FAR = 2**40  # pixels
MAX_PIXELS_OF_ALL_POLYGONS = 2**25  # pixels around all polygons of a photo


def overfull(annotations: Sequence[Mapping[str, Any]]) -> dict[Any, str]:
    """What is wrong with photos, by `image_id`, that have too many objects or too long outlines.

    Args:
        annotations: with `image_id` and `segmentation`; polygons of other things than numbers are passed over.
    """
    counts = Counter(one["image_id"] for one in annotations)
    found = {
        key: f"the photo has {count:,} objects, and at most {MAX_OBJECTS_PER_PHOTO:,} are read"
        for key, count in counts.items()
        if count > MAX_OBJECTS_PER_PHOTO
    }
    most: defaultdict[Any, float] = defaultdict(float)
    for one in annotations:
        for part in _parts(one.get("segmentation")):
            most[one["image_id"]] += len(part) / 2 * (max(part) - min(part))
    suspects = {key for key, length in most.items() if length > MAX_PIXELS_OF_ALL_POLYGONS}
    lengths: defaultdict[Any, float] = defaultdict(float)
    for one in annotations if suspects else ():
        if one["image_id"] in suspects:
            lengths[one["image_id"]] += sum(map(around, _parts(one.get("segmentation"))))
    cause = "the polygons of the photo are {:.3g} pixels long together, and at most {} are filled"
    return {
        key: cause.format(length, MAX_PIXELS_OF_ALL_POLYGONS)
        for key, length in lengths.items()
        if length > MAX_PIXELS_OF_ALL_POLYGONS
    } | found


def _parts(shape: Any) -> Iterator[Sequence[float]]:
    for part in shape if isinstance(shape, list) else ():
        numbers = isinstance(part, list) and part and len(part) % 2 == 0 and {*map(type, part)} <= {int, float}
        if numbers and min(part) > -FAR and max(part) < FAR:  # else another fault
            yield part


def refuse_overfull(photo: Path, annotations: Sequence[Annotation]) -> None:
    """Raise RecycleError where a photo has too many objects or too long outlines."""
    for fault in overfull([{"image_id": 0, "segmentation": one.segmentation} for one in annotations]).values():
        raise RecycleError(f"{photo}: {fault}", "correct its labels, or leave them out of the folder")
