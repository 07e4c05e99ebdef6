"""The `kili` dataset: assets of Kili with polygons and semantic outlines."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from recycle_coco import Tree

from recycle_datasets import FilesOptions
from recycle_datasets.labels import Labels
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recycle_datasets.readers.documents import (
    NOBODY_LABELLED,
    SKIPPED_PHOTOS,
    base_of,
    consumed,
    documents,
    photo_of,
    size_of,
    source,
)
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.recognise.kili import is_kili, recognise
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext

KILI_SKIPPED = {"rectangle": "boxes", "marker": "points", "polyline": "lines", "vector": "lines", "pose": "keypoints"}
HUMAN = ("REVIEW", "DEFAULT")  # kinds of labels that people made, that of the reviewer first


def open_kili(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of Kili's assets; those that nobody has labelled are left out.

    Of an asset's labels the reviewer's is taken, else the latest; predictions never are. Outlines are shares of the
    photo's sides, as EXIF turns it; of an object with several what lies in an odd number of them is inside, so that
    the later are holes. Kili keeps no order of drawing: the smaller is on top. Classes are the codes of categories, by
    name.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    places = PhotoIndex(Tree(context.root).photos)
    for name, content, split in documents(options, context, labels, recognise, "Kili", is_kili):
        file = context.root / name
        for _, asset in consumed(content if isinstance(content, list) else [content]):
            names = [base_of(asset.get("content")), base_of(asset.get("externalId"))]
            found = (place for one in names if one for place in (places.exact_base(one), places.by_any_stem(one)))
            place = next(filter(None, found), next(filter(None, reversed(names)), "?"))
            label = _label(asset)
            if label is None:
                skipped = asset.get("status") == "SKIPPED" or asset.get("skipped")
                labels.left_out[SKIPPED_PHOTOS if skipped else NOBODY_LABELLED] += 1
                continue
            size = size_of(context.root, place, {})
            shapes: list[Shape] = []
            for number, one in enumerate(_annotations(label.get("jsonResponse")), start=1):
                shapes += _shapes(labels, f"{file}: {place}, annotation {number}", one, size)
            labels.photos.append(photo_of(place, shapes, None, split, str(file)))
    return source(context, labels, "Kili")


def _label(asset: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The label of an asset that is taken."""
    latest = asset.get("latestLabel")
    found = [one for one in dicts(asset.get("labels")) or dicts([latest]) if one.get("labelType", "DEFAULT") in HUMAN]
    for kind in HUMAN:
        own = [one for one in found if one.get("labelType", "DEFAULT") == kind]
        current = [one for one in own if one.get("isLatestLabelForUser", True)] or own
        if current:
            return max(current, key=lambda one: str(one.get("createdAt", "")))
    return None


def _annotations(answer: Any) -> Iterator[dict[str, Any]]:
    """The annotations of all jobs of a label."""
    if isinstance(answer, str):
        try:
            answer = json.loads(answer)
        except (ValueError, RecursionError):
            return
    for job in answer.values() if isinstance(answer, dict) else ():
        if isinstance(job, dict):
            yield from dicts(job.get("annotations"))


def _shapes(labels: Labels, where: str, one: Mapping[str, Any], size: tuple[int, int] | None) -> Iterator[Shape]:
    """The labelled area of an annotation; all else is counted as left out."""
    kind = str(one.get("type", "semantic"))
    category = next(iter(dicts(one.get("categories"))), {})
    name = str(category.get("name") or "").strip()
    rings = [ring.get("normalizedVertices") for ring in dicts(one.get("boundingPoly"))]
    if kind not in ("semantic", "polygon") or not rings:
        labels.left_out[KILI_SKIPPED.get(kind, f"annotations of type {kind}")] += 1
    elif not name:
        labels.left_out["annotations without a category"] += 1
    elif size is not None:  # else the photo is missing, which is counted
        rings = [ring[0] if isinstance(ring, list) and ring and isinstance(ring[0], list) else ring for ring in rings]
        yield Shape(name, [labels.outline(ring, where, (size[1], size[0])) for ring in rings], even_odd=True)
