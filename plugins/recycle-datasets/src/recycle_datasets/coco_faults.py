"""Annotations of COCO files that cannot be used, with the photos that they are of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from recycle_coco import shape_fault

from recycle_datasets.shapes import DROPPED
from recyclecli.types import LabelFaults, RecycleError

UNREADABLE_PHOTOS = "photos that cannot be read"


def shape_faults(content: Mapping[str, Any]) -> Iterator[tuple[int, str, str]]:
    """The place of each annotation whose outline or RLE cannot be used, what it is of, and what is wrong.

    Those of images whose size is not known are passed over: a photo that cannot be read is a fault of its own.
    """
    images = {
        image["id"]: image
        for image in content["images"]
        if all(isinstance(image.get(side), int) for side in ("height", "width"))
    }
    for place, one in enumerate(content["annotations"]):
        image = images.get(one["image_id"])
        if image and (fault := shape_fault(one.get("segmentation"), image)):
            yield place, f"{image['file_name']}: annotation {one.get('id')}", fault[1]


def drop_faulty(content: dict[str, Any], photos: Mapping[str, str], left_out: Counter[str]) -> list[int]:
    """Take out photos that cannot be used, with their annotations, and annotations that cannot be; both are counted.

    Args:
        content: as one file has it, with numbers of its own.
        photos: `file_name` of each photo that cannot be used to what is wrong with it.
        left_out: the counts.

    Returns:
        The places of the photos that stay.
    """
    kept = [place for place, image in enumerate(content["images"]) if image["file_name"] not in photos]
    left_out.update({UNREADABLE_PHOTOS: len(photos)} if photos else {})
    content["images"] = [content["images"][place] for place in kept]
    ids = {image["id"] for image in content["images"]}
    content["annotations"] = [one for one in content["annotations"] if one["image_id"] in ids]
    faulty = {place for place, _, _ in shape_faults(content)}
    left_out.update({DROPPED: len(faulty)} if faulty else {})
    content["annotations"] = [one for place, one in enumerate(content["annotations"]) if place not in faulty]
    return kept


def all_faults(file: Path, content: Mapping[str, Any], error: RecycleError) -> RecycleError:
    """What is wrong with the outlines of a content that was refused, as one error; `error` where they are sound."""
    found = [(f"{file}, {where}", what) for _, where, what in shape_faults(content)]
    return LabelFaults(found, "correct or remove these annotations") if found else error
