"""The `prodigy` dataset: images that were annotated by hand in Prodigy, as `prodigy db-out` writes them."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from recycle_coco import Tree

from recycle_datasets import FilesOptions
from recycle_datasets.areas import side_of
from recycle_datasets.folders import names_of
from recycle_datasets.labels import Labels
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recycle_datasets.readers.documents import base_of, entries, photo_of, size_of, source
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.recognise.prodigy import is_task, recognise
from recycle_datasets.shapes import ShapeSource
from recycle_datasets.splits import splits_of
from recyclecli.types import DatasetContext

PRODIGY_AREAS = ("polygon", "freehand")
NOT_ACCEPTED = "photos that were rejected or ignored"


def open_prodigy(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of accepted tasks, also those whose file is in the task itself.

    Polygons and freehand outlines are labelled areas, in pixels of the width and height that the task states; the
    smaller is on top, as Prodigy keeps no order. A photo is shown as EXIF turns it. Classes stand by name.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels, tree = Labels(context.root), Tree(context.root)
    files = options.files or names_of(tree, context, recognise, "files", "Prodigy", "annotations.jsonl")
    labels.file, places = context.root / files[0], PhotoIndex(tree.photos)
    for name, split in zip(files, splits_of(files), strict=True):
        for where, task in entries(labels, context.root / name):
            if not is_task(task):
                continue
            if task.get("answer", "accept") != "accept":
                labels.left_out[NOT_ACCEPTED] += 1
                continue
            text = str(task["image"])
            inside = text.startswith("data:")
            base = (
                base_of(_named(task) if inside else task["image"]) or f"{Path(name).stem}-{len(labels.photos) + 1}.png"
            )
            place = places.exact_base(base)
            shapes = list(_shapes(labels, where, task, _scale(context.root, place, task)))
            photo = photo_of(place or base, shapes, None, split, where)
            if inside and not place:
                photo = replace(photo, embedded=partial(base64.b64decode, text.partition(",")[2] + "=="))
            labels.photos.append(photo)
    return source(context, labels, "Prodigy")


def _named(task: Mapping[str, Any]) -> Any:
    """The name of a photo that is in the task itself."""
    meta = task.get("meta")
    return task.get("path") or (meta.get("file") if isinstance(meta, dict) else "")


def _scale(root: Path, place: str, task: Mapping[str, Any]) -> tuple[float, float]:
    """Pixels of the photo for one of the size that the task states, across and down."""
    size = size_of(root, place, {}) if place else None
    height, width = side_of(task.get("height")), side_of(task.get("width"))
    return (size[1] / width, size[0] / height) if size and height and width else (1, 1)


def _shapes(labels: Labels, where: str, task: Mapping[str, Any], scale: tuple[float, float]) -> Iterator[Shape]:
    """The labelled areas of a task; all else is counted as left out."""
    for number, span in enumerate(dicts(task.get("spans")), start=1):
        kind, name = str(span.get("type") or "rect"), str(span.get("label") or "").strip()
        if kind not in PRODIGY_AREAS:
            labels.left_out["boxes" if kind == "rect" else f"spans of type {kind}"] += 1
        elif name:
            yield Shape(name, [labels.outline(span.get("points"), f"{where}, span {number}", scale)])
        else:
            labels.left_out["outlines without a label"] += 1
