"""The `vertex-ai` dataset: JSON lines of Google's Vertex AI for image segmentation, the masks beside."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from recycle_coco import Tree, is_background, resolve_file, split_called

from recycle_datasets import FilesOptions
from recycle_datasets.bitmaps import placed
from recycle_datasets.folders import names_of
from recycle_datasets.labels import Labels, sorted_names
from recycle_datasets.maskfile import codes_of
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recycle_datasets.readers.documents import LINKED_MASKS, base_of, entries, photo_of, size_of, source
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.recognise.vertex_ai import is_item, recognise
from recycle_datasets.shapes import ShapeSource
from recycle_datasets.splits import splits_of
from recyclecli.types import DatasetContext, RecycleError

USE = "aiplatform.googleapis.com/ml_use"


def open_vertex_ai(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of the lines, with a mask of colours that the line names, or with polygons.

    Photos and masks are looked for by the last parts of their addresses; masks are of the photo as EXIF turns it, and a
    colour that no class has is the background. Polygons are in shares of the photo's sides, the smaller on top. Classes
    stand in the order of the colours, those of polygons behind them by name; `ml_use` names splits.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels, tree = Labels(context.root), Tree(context.root)
    files = options.files or names_of(tree, context, recognise, "files", "Vertex AI", "data.jsonl")
    labels.file, places = context.root / files[0], PhotoIndex(tree.photos)
    names: dict[str, None] = {}
    for name, split in zip(files, splits_of(files), strict=True):
        for where, item in entries(labels, context.root / name):
            if not is_item(item):
                continue
            base = base_of(item["imageGcsUri"])
            place = places.exact_base(base)
            segmented = item.get("segmentationAnnotation")
            shapes: list[Shape] = []
            if isinstance(segmented, dict):
                colors = dict(_colors(segmented))
                names |= {called: None for called in colors.values() if not is_background(called)}
                mask = places.exact_base(base_of(segmented.get("maskGcsUri")))
                if not mask:
                    labels.left_out[LINKED_MASKS] += 1
                    continue
                try:
                    codes = codes_of(resolve_file(context.root, mask))
                except RecycleError as error:
                    labels.faults.append((where, str(error.args[0])))
                    continue
                shown = ((called, codes == code) for code, called in colors.items() if not is_background(called))
                shapes += [
                    Shape(called, rle=placed(np.asarray(area), 0, 0, *codes.shape))
                    for called, area in shown
                    if area.any()
                ]
            height, width = (size_of(context.root, place, {}) if place else None) or (1, 1)
            shapes += _polygons(labels, where, item, (width, height))
            uses = item.get("dataItemResourceLabels")
            own = split_called(str(uses.get(USE, ""))) if isinstance(uses, dict) else ""
            labels.photos.append(photo_of(place or base, shapes, None, own or split, where))
    return source(context, labels, "Vertex AI", [*names, *sorted_names(labels.photos)])


def _colors(segmented: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """Each colour, as red * 65536 + green * 256 + blue, with its class; what lacks a channel has 0 of it."""
    for one in dicts(segmented.get("annotationSpecColors")):
        color, called = one.get("color"), str(one.get("displayName") or "").strip()
        if isinstance(color, dict) and called:
            red, green, blue = (_channel(color.get(channel)) for channel in ("red", "green", "blue"))
            yield red << 16 | green << 8 | blue, called


def _channel(share: Any) -> int:
    """A share of 0..1 as 0 to 255; 0 for anything else."""
    return round(share * 255) if isinstance(share, int | float) and 0 <= share <= 1 else 0


def _polygons(labels: Labels, where: str, item: Mapping[str, Any], sides: tuple[int, int]) -> Iterator[Shape]:
    for number, one in enumerate(dicts(item.get("polygonAnnotations")), start=1):
        called = str(one.get("displayName") or "").strip()
        if called:
            yield Shape(called, [labels.outline(one.get("vertexes"), f"{where}, polygon {number}", sides)])
        else:
            labels.left_out["polygons without a class"] += 1
    if lines := dicts(item.get("polylineAnnotations")):
        labels.left_out["lines"] += len(lines)
