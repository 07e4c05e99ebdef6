"""The `ango` dataset: exports of Ango Hub with polygons and segmentations."""

from collections.abc import Iterator, Mapping
from typing import Any

from recycle_datasets import FilesOptions
from recycle_datasets.labels import Labels
from recycle_datasets.outlines import Shape
from recycle_datasets.readers.documents import NOBODY_LABELLED, base_of, consumed, documents, photo_of, source
from recycle_datasets.recognise.ango import is_ango, recognise
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext

ANGO_SKIPPED = {
    "bounding-box": "boxes",
    "rotated-bounding-box": "boxes",
    "polyline": "lines",
    "spline": "lines",
    "point": "points",
}
BRUSHES = ("brushDataUrl", "medicalBrushDataUrl")
WITHOUT_POINTS = "segmentations without points: export with Segmentation Points"


def open_ango(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of Ango Hub's assets; those without a task are left out.

    Polygons are labelled areas, and the zones of segmentations, with their holes; later objects are drawn over earlier
    ones, as Ango's own converter does. Masks of the brush are links and counted. Of several tasks of an asset the
    first counts. A photo is the asset's external id. Classes stand by name.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    for name, content, split in documents(options, context, labels, recognise, "Ango Hub", is_ango):
        file = str(context.root / name)
        for _, asset in consumed(content if isinstance(content, list) else [content]):
            photo = base_of(asset.get("externalId") or asset.get("asset") or asset.get("data"))
            tasks = dicts(asset.get("tasks")) or dicts([asset.get("task")])
            if not tasks:
                labels.left_out[NOBODY_LABELLED] += 1
                continue
            if len(tasks) > 1:
                labels.left_out["further tasks of the same photos"] += len(tasks) - 1
            if any(tasks[0].get(key) for key in BRUSHES):
                labels.left_out["masks of the brush, which are links"] += 1
            about = asset.get("metadata")
            about = about if isinstance(about, dict) else {}
            size = labels.size(about.get("height"), about.get("width"), f"{file}: {photo}")
            objects = dicts(tasks[0].get("tools")) or dicts(tasks[0].get("objects"))
            shapes = list(_shapes(labels, f"{file}: {photo}", objects))
            labels.photos.append(photo_of(photo, shapes, size, split, file))
    return source(context, labels, "Ango Hub")


def _shapes(labels: Labels, where: str, objects: list[dict[str, Any]]) -> Iterator[Shape]:
    """The labelled areas of a photo; all else is counted as left out."""
    for level, one in enumerate(objects):
        name, place = str(one.get("title") or "").strip(), f"{where}, object {level + 1}"
        kind = next((kind for kind in ("polygon", "segmentation", *ANGO_SKIPPED) if kind in one), "")
        if kind not in ("polygon", "segmentation"):
            labels.left_out[ANGO_SKIPPED.get(kind, "objects that are no area")] += 1
        elif not name:
            labels.left_out["objects without a title"] += 1
        elif kind == "polygon":
            yield Shape(name, [labels.outline(one[kind], place)], level=level)
        else:
            zones = dicts(one[kind].get("zones")) if isinstance(one[kind], Mapping) else []
            labels.left_out.update([WITHOUT_POINTS] if not zones else [])
            for zone in zones:
                holes = zone.get("holes")
                inner = [labels.outline(hole, place) for hole in (holes if isinstance(holes, list) else [])]
                yield Shape(name, [labels.outline(zone.get("region"), place)], inner, level=level)
