"""The `dataloop` dataset: items of Dataloop with their annotations, as `dataset.download` writes them."""

from collections.abc import Iterator, Mapping
from typing import Any

from recycle_datasets import FilesOptions
from recycle_datasets.areas import ellipse
from recycle_datasets.labels import Labels
from recycle_datasets.outlines import Shape
from recycle_datasets.readers.documents import VIDEOS_AND_DOCUMENTS, documents, photo_of, pixels, source
from recycle_datasets.recognise.dataloop import is_dataloop, recognise
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext

DATALOOP_SKIPPED = {
    "box": "boxes",
    "class": "tags",
    "point": "points",
    "polyline": "lines",
    "cube": "cuboids",
    "pose": "keypoints",
    "note": "notes",
}


def open_dataloop(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of Dataloop's items, those without an annotation too.

    Polygons (`segment`: one outline or several, what lies in an odd number of them is inside), masks (`binary`: a
    PNG of the whole photo, what is opaque) and ellipses are labelled areas. Dataloop keeps no order of drawing: the
    smaller is on top. Classes stand by name. The stated size tells whether the photo was labelled turned, as EXIF
    says, or as it is stored; turned where none is stated.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    for name, content, split in documents(options, context, labels, recognise, "Dataloop"):
        where = str(context.root / name)
        if content is None:
            continue
        if not is_dataloop(content):
            labels.left_out["JSON files that are none of Dataloop"] += 1
            continue
        about = content.get("metadata")
        system = about.get("system") if isinstance(about, dict) else None
        system = system if isinstance(system, dict) else {}
        if str(system.get("mimetype") or "image").partition("/")[0] != "image":
            labels.left_out[VIDEOS_AND_DOCUMENTS] += 1
            continue
        shapes: list[Shape] = []
        for number, one in enumerate(dicts(content["annotations"]), start=1):
            shapes += _shapes(labels, f"{where}, annotation {number}", one)
        size = labels.size(system.get("height"), system.get("width"), where)
        labels.photos.append(photo_of(content["filename"].lstrip("/"), shapes, size, split, where))
    return source(context, labels, "Dataloop")


def _shapes(labels: Labels, where: str, one: Mapping[str, Any]) -> Iterator[Shape]:
    """The labelled area of an annotation; all else is counted as left out."""
    kind, name, where_is = str(one.get("type")), str(one.get("label") or "").strip(), one.get("coordinates")
    if kind not in ("segment", "binary", "ellipse"):
        labels.left_out[DATALOOP_SKIPPED.get(kind, f"annotations of type {kind}")] += 1
    elif not name:
        labels.left_out["annotations without a label"] += 1
    elif kind == "segment":
        rings = where_is if isinstance(where_is, list) else []
        rings = [rings] if rings and isinstance(rings[0], dict) else rings
        yield Shape(name, [labels.outline(ring, where) for ring in rings], even_odd=True)
    elif kind == "binary":
        text = where_is.get("data") if isinstance(where_is, dict) else where_is
        yield from pixels(labels, where, name, text)
    else:
        try:
            area: Any = where_is
            centre = area["center"]
            x, y, across, down = (float(value) for value in (centre["x"], centre["y"], area["rx"], area["ry"]))
            corners = ellipse(x, y, across, down, float(area.get("angle") or 0))
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
            labels.faults.append((where, "its ellipse lacks a centre or a radius"))
            return
        yield Shape(name, [labels.outline(corners, where)])
