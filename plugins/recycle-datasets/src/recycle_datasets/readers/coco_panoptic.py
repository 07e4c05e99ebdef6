"""The `coco-panoptic` dataset: COCO's panoptic JSON with a PNG of segment numbers for each photo."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from recycle_coco import IGNORE_CATEGORY, Tree, resolve_file

from recycle_datasets import FilesOptions
from recycle_datasets.bitmaps import placed
from recycle_datasets.labels import Labels
from recycle_datasets.maskfile import numbers_of
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recycle_datasets.readers.documents import consumed, documents, photo_of, source
from recycle_datasets.recognise.coco_panoptic import is_panoptic, recognise
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.recognise.places import split_of
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext, RecycleError

MISSING_SEGMENTS = "photos whose PNG of segments is not there"


def open_coco_panoptic(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of panoptic files whose PNGs are there.

    A pixel is of the segment with the number red + 256 green + 65536 blue, and so of its category. 0 is of none: it is
    ignored, as COCO's evaluation does, or the background where all categories are things. PNGs are of the photo as
    EXIF turns it. Classes stand by ascending id.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    photos = Tree(context.root).photos
    names: dict[str, None] = {}
    pngs = PhotoIndex(name for name in photos if name.lower().endswith(".png"))
    masks = {name for name in photos if "panoptic" in name.rpartition("/")[0]}
    places = PhotoIndex(name for name in photos if name not in masks)
    for name, content, split in documents(options, context, labels, recognise, "COCO panoptic"):
        file = context.root / name
        if not is_panoptic(content):
            labels.left_out["JSON files without panoptic segments"] += content is not None
            continue
        categories = sorted(dicts(content.get("categories")), key=lambda one: _number(one.get("id")))
        classes = {_key(one.get("id")): str(one.get("name")).strip() for one in categories}
        names |= dict.fromkeys(classes.values())
        stuff = any(one.get("isthing", 1) in (0, False) for one in categories)
        images = {_key(one.get("id")): str(one.get("file_name") or "") for one in dicts(content.get("images"))}
        content["images"] = None
        for number, one in consumed(content["annotations"]):
            base = str(one.get("file_name") or "")
            photo = images.get(_key(one.get("image_id"))) or f"{PurePosixPath(base).stem}.jpg"
            folders = [PurePosixPath(name).with_suffix(""), PurePosixPath(name).parent]
            own = pngs.exact(folders, base) or _in_masks(pngs, masks, base)
            place = places.exact([PurePosixPath()], photo) or places.by_any_stem(PurePosixPath(photo).stem) or photo
            if not own or own == place:
                labels.left_out[MISSING_SEGMENTS] += 1
                continue
            try:
                shapes = list(_shapes(labels, f"{file}, annotation {number}", context, own, one, classes, stuff))
            except RecycleError as error:
                labels.faults.append((f"{file}, annotation {number}", str(error.args[0])))
                continue
            labels.photos.append(photo_of(place, shapes, None, split or split_of(name), str(file)))
    return source(context, labels, "the labelling tool", names)


def _key(value: Any) -> int | str:
    """An id that can be looked up."""
    return value if isinstance(value, int) else str(value)


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _in_masks(pngs: PhotoIndex, masks: set[str], base: str) -> str:
    """The PNG of that name, the one in a folder of panoptic segments where there are several."""
    found = [name for name in masks if name.rpartition("/")[2] == PurePosixPath(base).name]
    return found[0] if len(found) == 1 else pngs.exact_base(PurePosixPath(base).name)


def _shapes(
    labels: Labels,
    where: str,
    context: DatasetContext,
    png: str,
    one: Mapping[str, Any],
    classes: Mapping[Any, str],
    stuff: bool,
) -> Iterator[Shape]:
    """A shape of each class that the PNG shows, and what is of no segment."""
    numbers = numbers_of(resolve_file(context.root, png))
    values, inverse = np.unique(numbers, return_inverse=True)
    segments = {
        _key(segment.get("id")): _key(segment.get("category_id")) for segment in dicts(one.get("segments_info"))
    }
    shown: dict[str, list[int]] = {}
    for place, value in enumerate(values.tolist()):
        if value and value not in segments:
            labels.faults.append((where, f"segments_info lacks the segment {value} of {png}"))
        elif value and segments[value] not in classes:
            labels.faults.append((where, f"no category has id {segments[value]!r}"))
        elif value or stuff:
            shown.setdefault(classes[segments[value]] if value else IGNORE_CATEGORY, []).append(place)
    inverse = inverse.reshape(numbers.shape)
    for name, found in shown.items():
        yield Shape(name, rle=placed(np.isin(inverse, found), 0, 0, *numbers.shape))
