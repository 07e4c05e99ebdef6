"""The `universal-data-tool` dataset: images with polygons in a .udt.json file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recycle_coco import Tree

from recycle_datasets import FilesOptions
from recycle_datasets.labels import Labels, sorted_names
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recycle_datasets.readers.documents import NOBODY_LABELLED, base_of, consumed, documents, photo_of, size_of, source
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.recognise.universal_data_tool import is_udt, recognise
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext

UDT_SKIPPED = {"bounding-box": "boxes", "point": "points", "keypoints": "keypoints", "line": "lines"}


def open_universal_data_tool(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of a set's samples; those without an annotation are left out.

    Polygons, in shares of the photo's sides as EXIF turns it, are labelled areas; the smaller is on top, as the tool
    keeps no order. A photo is the last part of its address. Classes stand in the order of the interface's labels, those
    that it lacks behind them by name.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    places = PhotoIndex(Tree(context.root).photos)
    names: dict[str, None] = {}
    for name, content, split in documents(options, context, labels, recognise, "Universal Data Tool", is_udt):
        file = context.root / name
        listed = content["interface"].get("labels") or content["interface"].get("availableLabels")
        for one in listed if isinstance(listed, list) else ():
            names[str(one.get("id", "") if isinstance(one, dict) else one).strip()] = None
        for number, sample in consumed(content.get("samples")):
            base = base_of(sample.get("imageUrl"))
            found = sample.get("annotation")
            if found is None or not base:
                labels.left_out[NOBODY_LABELLED if base else "samples without an image"] += 1
                continue
            place = places.exact_base(base)
            shapes = list(_shapes(labels, f"{file}, sample {number}", found, _sides(context.root, place)))
            labels.photos.append(photo_of(place or base, shapes, None, split, str(file)))
    return source(context, labels, "Universal Data Tool", [*names, *sorted_names(labels.photos)])


def _sides(root: Path, place: str) -> tuple[int, int]:
    """Width and height of a photo; ones where it is not there, which is counted."""
    height, width = (size_of(root, place, {}) if place else None) or (1, 1)
    return width, height


def _shapes(labels: Labels, where: str, found: Any, sides: tuple[int, int]) -> Iterator[Shape]:
    """The labelled areas of a sample; all else is counted as left out."""
    regions = dicts(found if isinstance(found, list) else [found])
    for number, one in enumerate(regions, start=1):
        kind, called = str(one.get("regionType")), one.get("classification")
        called = next(iter(called), "") if isinstance(called, list) else called
        if kind != "polygon":
            labels.left_out[UDT_SKIPPED.get(kind, f"regions of type {kind}")] += 1
        elif called:
            at = f"{where}, region {number}"
            yield Shape(str(called).strip(), [labels.outline(one.get("points"), at, sides)])
        else:
            labels.left_out["polygons without a class"] += 1
