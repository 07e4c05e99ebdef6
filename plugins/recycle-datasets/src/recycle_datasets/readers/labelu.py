"""The `labelu` dataset: samples of LabelU (OpenDataLab) with polygons."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from recycle_datasets import FilesOptions
from recycle_datasets.labels import Labels
from recycle_datasets.outlines import Shape
from recycle_datasets.readers.documents import (
    HIDDEN,
    NOBODY_LABELLED,
    SKIPPED_PHOTOS,
    base_of,
    consumed,
    documents,
    photo_of,
    source,
)
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.recognise.labelu import is_labelu, recognise
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext

LABELU_SKIPPED = {"rectTool": "boxes", "pointTool": "points", "lineTool": "lines", "cuboidTool": "cuboids",
                  "tagTool": "tags", "textTool": "texts"}  # fmt: skip
TURNED = "photos that LabelU turned"


def open_labelu(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of LabelU's samples; those without a result, and those turned within the tool, are left out,
    and polygons that are not visible.

    Polygons are labelled areas, of a higher `order` on top. Classes stand by name. The stated size tells whether the
    photo was labelled turned, as EXIF says, or as it is stored.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    for name, content, split in documents(options, context, labels, recognise, "LabelU", is_labelu):
        file = str(context.root / name)
        for _, sample in consumed(content if isinstance(content, list) else [content]):
            photo = base_of(sample.get("fileName") or sample.get("url"))
            result = _result(sample.get("result"))
            if str(sample.get("state", "")).upper() == "SKIPPED":
                labels.left_out[SKIPPED_PHOTOS] += 1
            elif not isinstance(result.get("annotations"), list):
                labels.left_out[NOBODY_LABELLED] += 1
            elif result.get("rotate"):
                labels.left_out[TURNED] += 1
            else:
                size = labels.size(result.get("height"), result.get("width"), f"{file}: {photo}")
                shapes = list(_shapes(labels, f"{file}: {photo}", result["annotations"]))
                labels.photos.append(photo_of(photo, shapes, size, split, file))
    return source(context, labels, "LabelU")


def _result(value: Any) -> Mapping[str, Any]:
    """A sample's result, which is JSON within JSON."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _shapes(labels: Labels, where: str, annotations: Any) -> Iterator[Shape]:
    """The labelled areas of a photo; all else is counted as left out."""
    for tool in dicts(annotations):
        for number, one in enumerate(dicts(tool.get("result")), start=1):
            name, order = str(one.get("label") or "").strip(), one.get("order")
            if tool.get("toolName") != "polygonTool":
                labels.left_out[
                    LABELU_SKIPPED.get(str(tool.get("toolName")), f"results of {tool.get('toolName')}")
                ] += 1
            elif one.get("visible") is False:
                labels.left_out[HIDDEN] += 1
            elif not name or name == "noneAttribute":
                labels.left_out["polygons without a label"] += 1
            else:
                level = order if isinstance(order, int) and abs(order) < 2**31 else 0
                yield Shape(name, [labels.outline(one.get("points"), f"{where}, polygon {number}")], level=level)
