"""The `detectron2` dataset: dataset dicts of Detectron2 as JSON."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from recycle_coco import Tree

from recycle_datasets import FilesOptions
from recycle_datasets.labels import Labels
from recycle_datasets.outlines import Shape
from recycle_datasets.readers.documents import consumed, documents, photo_of, rle_of, source
from recycle_datasets.recognise.detectron2 import is_dicts, recognise
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext

log = logging.getLogger("recycle.datasets")

CLASS_NAME_KEYS = ("thing_classes", "stuff_classes")


def open_detectron2(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of Detectron2's dataset dicts.

    Polygons and RLEs are labelled areas, the smaller on top. Numbers of classes count from 0, and are called by the
    list `thing_classes` of a JSON file that lies there, as `MetadataCatalog` has it, else `class-0` and on. The stated
    size tells whether the photo was labelled turned, as EXIF says, or as it is stored.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    names = _names(Tree(context.root))
    used: set[int] = set()
    for name, content, split in documents(options, context, labels, recognise, "Detectron2", is_dicts):
        file = str(context.root / name)
        for _, photo in consumed(content):
            called = str(photo.get("file_name") or "").replace("\\", "/")
            size = labels.size(photo.get("height"), photo.get("width"), f"{file}: {called}")
            shapes: list[Shape] = []
            for number, one in enumerate(dicts(photo.get("annotations")), start=1):
                shapes += _shapes(labels, f"{file}: {called}, annotation {number}", one, names, used)
            labels.photos.append(photo_of(called, shapes, size, split, file))
    highest = max(used, default=-1)
    if used and highest >= len(names):
        log.warning(
            f"note: {labels.file}: classes from {len(names)} to {highest} are called by number; a JSON file beside it, "
            '{"thing_classes": ["paper", "metal"]}, names them'
        )
    return source(context, labels, "Detectron2", [_called(names, k) for k in range(max(len(names), highest + 1))])


def _names(tree: Tree) -> list[str]:
    """The classes by the first file of metadata."""
    for _, content in tree.jsons():
        for key in CLASS_NAME_KEYS if isinstance(content, dict) else ():
            if isinstance(content.get(key), list):
                return [str(one).strip() for one in content[key]]
    return []


def _called(names: list[str], number: int) -> str:
    return names[number] if number < len(names) else f"class-{number}"


def _shapes(labels: Labels, where: str, one: Mapping[str, Any], names: list[str], used: set[int]) -> Iterator[Shape]:
    """The labelled area of an annotation; all else is counted as left out."""
    area, number = one.get("segmentation"), one.get("category_id")
    if not area:
        labels.left_out["boxes"] += 1
    elif not isinstance(number, int) or not 0 <= number < 2**16:
        labels.faults.append((where, f"its category_id is {number!r}"))
    elif isinstance(area, dict):
        used.add(number)
        yield from rle_of(labels, where, _called(names, number), area)
    else:
        used.add(number)
        parts = area if isinstance(area, list) and all(isinstance(part, list) for part in area) else [area]
        yield Shape(_called(names, number), [labels.outline(part, where) for part in parts])
