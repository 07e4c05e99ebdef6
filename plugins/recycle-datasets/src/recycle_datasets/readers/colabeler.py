"""The `colabeler` dataset: JSON files of Colabeler (Jingling), one for each photo, in outputs/."""

from collections.abc import Iterator, Mapping
from typing import Any

from recycle_datasets import FilesOptions
from recycle_datasets.labels import Labels
from recycle_datasets.outlines import Shape
from recycle_datasets.readers.documents import NOBODY_LABELLED, base_of, documents, photo_of, source
from recycle_datasets.recognise.colabeler import is_colabeler, recognise
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext

COLABELER_SKIPPED = {"bndbox": "boxes", "line": "lines", "point": "points", "cubic_bezier": "curves"}


def open_colabeler(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of Colabeler's JSON files; those that are not labelled are left out.

    Polygons (x1, y1, x2, y2 ...) are labelled areas, the smaller on top. Classes stand by name. The stated size tells
    whether the photo was labelled turned, as EXIF says, or as it is stored.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    for name, content, split in documents(options, context, labels, recognise, "Colabeler", is_colabeler):
        file = str(context.root / name)
        objects = dicts(content["outputs"].get("object"))
        if not objects and content.get("labeled") is False:
            labels.left_out[NOBODY_LABELLED] += 1
            continue
        side = content.get("size")
        side = side if isinstance(side, dict) else {}
        size = labels.size(side.get("height"), side.get("width"), file)
        shapes: list[Shape] = []
        for number, one in enumerate(objects, start=1):
            shapes += _shapes(labels, f"{file}, object {number}", one)
        labels.photos.append(photo_of(base_of(content["path"]), shapes, size, split, file))
    return source(context, labels, "Colabeler")


def _shapes(labels: Labels, where: str, one: Mapping[str, Any]) -> Iterator[Shape]:
    """The labelled area of an object; all else is counted as left out."""
    name, points = str(one.get("name") or "").strip(), one.get("polygon")
    if not isinstance(points, dict):
        labels.left_out[
            next((what for key, what in COLABELER_SKIPPED.items() if key in one), "objects of other kinds")
        ] += 1
    elif not name:
        labels.left_out["objects without a name"] += 1
    else:
        yield Shape(name, [labels.outline(numbered(points), where)])


def numbered(points: Mapping[str, Any]) -> list[Any]:
    """The values of x1, y1, x2, y2 ... in this order."""
    found: list[Any] = []
    while (place := len(found) // 2 + 1) and f"x{place}" in points and f"y{place}" in points:
        found += [points[f"x{place}"], points[f"y{place}"]]
    return found
