"""The `dataturks` dataset: images with polygons as Dataturks exported them."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets import FilesOptions
from recycle_datasets.folders import names_of
from recycle_datasets.labels import Labels
from recycle_datasets.outlines import Shape
from recycle_datasets.readers.documents import NOBODY_LABELLED, base_of, entries, photo_of, source
from recycle_datasets.recognise.dataturks import is_row, recognise
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.shapes import ShapeSource
from recycle_datasets.splits import splits_of
from recyclecli.types import DatasetContext

MIN_POLYGON_POINTS = 3  # of the least polygon; boxes have two points


def open_dataturks(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of the lines; those that nobody has labelled are left out.

    Polygons, in shares of the size that each of them states, are labelled areas; the smaller is on top, as Dataturks
    keeps no order. A photo is the last part of its address. Classes stand by name.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels, tree = Labels(context.root), Tree(context.root)
    files = options.files or names_of(tree, context, recognise, "files", "Dataturks", "export.json")
    labels.file = context.root / files[0]
    for name, split in zip(files, splits_of(files), strict=True):
        for where, row in entries(labels, context.root / name):
            if not is_row(row):
                continue
            if not row["annotation"]:
                labels.left_out[NOBODY_LABELLED] += 1
                continue
            photo, found = base_of(row["content"]), dicts(row["annotation"])
            sizes = [labels.size(one.get("imageHeight"), one.get("imageWidth"), where) for one in found]
            size = next(filter(None, sizes), None)
            labels.photos.append(photo_of(photo, list(_shapes(labels, where, found, size)), size, split, where))
    return source(context, labels, "Dataturks")


def _shapes(labels: Labels, where: str, found: list[dict[str, Any]], size: tuple[int, int] | None) -> Iterator[Shape]:
    """The labelled areas of a photo; all else is counted as left out."""
    for number, one in enumerate(found, start=1):
        points, names = one.get("points"), one.get("label")
        called = [str(name).strip() for name in (names if isinstance(names, list) else [names]) if name]
        at = f"{where}, annotation {number}"
        if not isinstance(points, list) or len(points) < MIN_POLYGON_POINTS or one.get("shape") == "rectangle":
            labels.left_out["boxes"] += 1
        elif not called:
            labels.left_out["polygons without a label"] += 1
        elif size is None:
            labels.faults.append((at, "its photo states no size"))
        else:
            yield Shape(called[0], [labels.outline(points, at, (size[1], size[0]))])
