"""The `hasty` dataset: Hasty's own JSON (hasty.ai, now CloudFactory), format 1.0 and 1.1."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from recycle_coco import Tree

from recycle_datasets import FilesOptions
from recycle_datasets.bitmaps import placed, whole_runs
from recycle_datasets.labels import Labels
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recycle_datasets.readers.documents import NOBODY_LABELLED, SKIPPED_PHOTOS, consumed, documents, photo_of, source
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.recognise.hasty import is_hasty, recognise
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext

MAX_BOX_PIXELS = 2**28  # pixels of a box


def open_hasty(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of a Hasty project: those that are new or skipped and have no label are left out.

    Polygons and masks are labelled areas; a mask is the lengths of runs, row by row through its box, outside first.
    Labels of a higher z_index are on top, of one the smaller. Classes stand in the order of the project. The stated
    size tells whether the photo was labelled turned, as EXIF says, or as it is stored.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    names: dict[str, None] = {}
    places = PhotoIndex(Tree(context.root).photos)
    for name, content, split in documents(options, context, labels, recognise, "Hasty", is_hasty):
        file = context.root / name
        names |= {str(one.get("class_name")).strip(): None for one in dicts(content["label_classes"])}
        for _, image in consumed(content.get("images")):
            photo, status = str(image.get("image_name") or ""), str(image.get("image_status", "")).upper()
            where = f"{file}: {photo}"
            if status in ("NEW", "SKIPPED") and not image.get("labels"):
                labels.left_out[NOBODY_LABELLED if status == "NEW" else SKIPPED_PHOTOS] += 1
                continue
            place = places.exact_base(photo)
            size = labels.size(image.get("height"), image.get("width"), where, (context.root, place) if place else None)
            shapes: list[Shape] = []
            for number, one in enumerate(dicts(image.get("labels")), start=1):
                shapes += _shapes(labels, f"{where}, label {number}", one, size if place else None)
            folder = str(image.get("dataset_name") or "")
            photo = place or (f"{folder}/{photo}" if folder else photo)
            labels.photos.append(photo_of(photo, shapes, size, split, str(file)))
    return source(context, labels, "Hasty", names)


def _shapes(labels: Labels, where: str, one: Mapping[str, Any], size: tuple[int, int] | None) -> Iterator[Shape]:
    """The labelled area of a label; all else is counted as left out."""
    name, depth = str(one.get("class_name") or "").strip(), one.get("z_index")
    level = int(depth) if isinstance(depth, int | float) and abs(depth) < 2**31 else 0
    if not one.get("polygon") and not one.get("mask"):
        labels.left_out["boxes" if one.get("bbox") else "tags"] += 1
    elif not name:
        labels.left_out["labels without a class"] += 1
    elif one.get("polygon"):
        yield Shape(name, [labels.outline(one["polygon"], where)], level=level)
    elif size is not None:  # else the photo is missing, which is counted, or states no size that one has
        try:
            yield Shape(name, rle=_mask(one["mask"], one.get("bbox"), *size), level=level)
        except (TypeError, ValueError, OverflowError) as error:
            labels.faults.append((where, f"its mask cannot be used: {error}"))


def _mask(counts: Any, box: Any, height: int, width: int) -> Mapping[str, Any]:
    left, top, right, bottom = (int(value) for value in box)
    down, across = bottom - top, right - left
    runs = whole_runs(counts, min(max((down + 1) * (across + 1), 0), MAX_BOX_PIXELS))
    if runs.sum() == (down + 1) * (across + 1):  # the box's last pixel is counted in
        down, across = down + 1, across + 1
    if not 0 < down * across <= MAX_BOX_PIXELS or runs.sum() > down * across:
        raise ValueError(f"its runs count {runs.sum()} pixels in a box of {across}x{down}")
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return placed(np.pad(flat, (0, down * across - len(flat))).reshape(down, across), left, top, height, width)
