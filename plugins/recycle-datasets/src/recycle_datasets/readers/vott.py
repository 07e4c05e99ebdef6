"""The `vott` dataset: exports and assets of Microsoft's VoTT 2."""

from collections.abc import Iterator, Mapping
from typing import Any

from recycle_datasets import FilesOptions
from recycle_datasets.labels import Labels, sorted_names
from recycle_datasets.outlines import Shape
from recycle_datasets.readers.documents import (
    NOBODY_LABELLED,
    VIDEOS_AND_DOCUMENTS,
    base_of,
    documents,
    photo_of,
    source,
)
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.recognise.vott import is_vott, recognise
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext

VOTT_SKIPPED = {"RECTANGLE": "boxes", "SQUARE": "boxes", "POINT": "points", "POLYLINE": "lines"}
TAGGED = 2  # the state of an asset that has regions, or was looked at


def open_vott(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of a VoTT export, or of its asset files.

    Polygons are labelled areas; of a region with several tags the first counts. VoTT keeps no order of drawing: the
    smaller is on top. Photos without regions that were not tagged are left out. Classes are the project's tags in
    their order. The stated size tells whether the photo was labelled turned, as EXIF says, or as it is stored.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    names: dict[str, None] = {}
    for name, content, split in documents(options, context, labels, recognise, "VoTT", is_vott):
        file = context.root / name
        names |= {str(one.get("name")).strip(): None for one in dicts(content.get("tags"))}
        assets = content.get("assets")
        for entry in assets.values() if isinstance(assets, dict) else [content]:
            if isinstance(entry, dict) and isinstance(entry.get("asset"), dict):
                _asset(labels, str(file), entry, split)
    return source(context, labels, "VoTT", [*names, *sorted_names(labels.photos)])


def _asset(labels: Labels, file: str, entry: Mapping[str, Any], split: str) -> None:
    """One photo with its regions."""
    asset, regions = entry["asset"], dicts(entry.get("regions"))
    photo = base_of(asset.get("name") or asset.get("path"))
    if asset.get("type", 1) != 1:
        labels.left_out[VIDEOS_AND_DOCUMENTS] += 1
        return
    if not regions and asset.get("state", TAGGED) != TAGGED:
        labels.left_out[NOBODY_LABELLED] += 1
        return
    side = asset.get("size")
    side = side if isinstance(side, dict) else {}
    where = f"{file}: {photo}"
    size = labels.size(side.get("height"), side.get("width"), where)
    shapes: list[Shape] = []
    for number, one in enumerate(regions, start=1):
        shapes += _shapes(labels, f"{where}, region {number}", one)
    labels.photos.append(photo_of(photo, shapes, size, split, file))


def _shapes(labels: Labels, where: str, one: Mapping[str, Any]) -> Iterator[Shape]:
    """The labelled area of a region; all else is counted as left out."""
    kind, tags = str(one.get("type", "POLYGON")).upper(), one.get("tags")
    if kind != "POLYGON":
        labels.left_out[VOTT_SKIPPED.get(kind, f"regions of type {kind}")] += 1
    elif not isinstance(tags, list) or not tags or not str(tags[0]).strip():
        labels.left_out["regions without a tag"] += 1
    else:
        yield Shape(str(tags[0]).strip(), [labels.outline(one.get("points"), where)])
