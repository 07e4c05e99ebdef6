"""The `labelbee` dataset: a JSON file for each photo, of LabelBee."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from recycle_coco import Tree

from recycle_datasets import FilesOptions
from recycle_datasets.labels import Labels
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recycle_datasets.readers.documents import documents, photo_of, source
from recycle_datasets.recognise.labelbee import is_labelbee, recognise, results
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext

LABELBEE_SKIPPED = {
    "rectTool": "boxes",
    "pointTool": "points",
    "lineTool": "lines",
    "tagTool": "tags",
    "textTool": "texts",
}
WITHOUT = "polygons without a class"


def open_labelbee(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of LabelBee's files, which are called as these: a.jpg.json, or a.json.

    Polygons are labelled areas, drawn in their `order`, the later on top; what is not valid is left out. The stated
    size tells whether the photo was labelled turned, as EXIF says, or as it is stored. Classes stand by name.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    places = PhotoIndex(Tree(context.root).photos)
    for name, content, split in documents(options, context, labels, recognise, "LabelBee", is_labelbee):
        file = context.root / name
        own = PurePosixPath(name).stem
        photo = places.exact_base(own) or places.by_any_stem(own) or own
        if content.get("valid") is False:
            labels.left_out["photos marked as not valid"] += 1
            continue
        if content.get("rotate"):
            labels.faults.append(
                (str(file), f"its photo was turned by {content['rotate']} degrees while it was labelled")
            )
            continue
        size = labels.size(content.get("height"), content.get("width"), str(file))
        labels.photos.append(photo_of(photo, list(_shapes(labels, str(file), content)), size, split, str(file)))
    return source(context, labels, "LabelBee")


def _shapes(labels: Labels, where: str, content: Mapping[str, Any]) -> Iterator[Shape]:
    """The labelled areas of a photo; all else is counted as left out."""
    for tool, found in results(content):
        for number, one in enumerate(found, start=1):
            called = str(one.get("attribute") or one.get("label") or "").strip()
            if tool != "polygonTool":
                labels.left_out[LABELBEE_SKIPPED.get(tool, f"results of {tool}")] += 1
            elif one.get("valid") is False or not called:
                labels.left_out["polygons marked as not valid" if called else WITHOUT] += 1
            else:
                level = one["order"] if type(one.get("order")) is int else number
                yield Shape(called, [labels.outline(one.get("pointList"), f"{where}, polygon {number}")], level=level)
