"""The `scale` dataset: tasks of Scale AI with polygons."""

from collections.abc import Iterator, Mapping
from typing import Any

from recycle_datasets import FilesOptions
from recycle_datasets.labels import Labels, sorted_names
from recycle_datasets.outlines import Shape
from recycle_datasets.readers.documents import (
    LINKED_MASKS,
    NOBODY_LABELLED,
    base_of,
    consumed,
    documents,
    photo_of,
    source,
)
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.recognise.scale import is_scale, recognise
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext

SCALE_SKIPPED = {"box": "boxes", "line": "lines", "point": "points", "cuboid": "cuboids", "ellipse": "ellipses"}


def open_scale(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of Scale AI's tasks; those that are not completed are left out.

    Polygons are labelled areas, drawn by the smaller on top, as Scale keeps no order. Masks of segmentation tasks are
    links and counted. A photo is the last part of its attachment's address, shown as EXIF turns it. Classes are those
    that the tasks ask for, in their order, then by name.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    names: dict[str, None] = {}
    for name, content, split in documents(options, context, labels, recognise, "Scale AI", is_scale):
        file = context.root / name
        tasks = content.get("docs", [content]) if isinstance(content, dict) else content
        for _, task in consumed(tasks):
            params, answer = task.get("params"), task.get("response")
            params = params if isinstance(params, dict) else {}
            photo = base_of(params.get("attachment"))
            if not isinstance(answer, dict) or str(task.get("status", "completed")) != "completed":
                labels.left_out[NOBODY_LABELLED] += 1
                continue
            names |= dict.fromkeys(_asked(params))
            shapes: list[Shape] = []
            found = answer.get("annotations")
            labels.left_out[LINKED_MASKS] += isinstance(found, dict)
            for number, one in enumerate(dicts(found), start=1):
                shapes += _shapes(labels, f"{file}: {photo}, annotation {number}", one)
            labels.photos.append(photo_of(photo, shapes, None, split, str(file)))
    labels.left_out += type(labels.left_out)()  # without zeros
    return source(context, labels, "Scale AI", [*names, *sorted_names(labels.photos)])


def _asked(params: Mapping[str, Any]) -> Iterator[str]:
    """The classes that a task asks to outline."""
    found = params.get("geometries")
    polygon = found.get("polygon") if isinstance(found, dict) else None
    listed = polygon.get("objects_to_annotate") if isinstance(polygon, dict) else params.get("objects_to_annotate")
    for one in listed if isinstance(listed, list) else []:
        name = one.get("choice") if isinstance(one, dict) else one
        if isinstance(name, str) and name.strip():
            yield name.strip()


def _shapes(labels: Labels, where: str, one: Mapping[str, Any]) -> Iterator[Shape]:
    """The labelled area of an annotation; all else is counted as left out."""
    kind, name = str(one.get("type") or "polygon"), str(one.get("label") or "").strip()
    if kind != "polygon" or "vertices" not in one:
        labels.left_out[SCALE_SKIPPED.get(kind, f"annotations of type {kind}")] += 1
    elif not name:
        labels.left_out["annotations without a label"] += 1
    else:
        yield Shape(name, [labels.outline(one["vertices"], where)])
