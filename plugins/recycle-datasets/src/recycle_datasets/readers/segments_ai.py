"""The `segments-ai` dataset: releases of Segments.ai with polygons, or with segmentation bitmaps that lie beside."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from recycle_coco import Tree, resolve_file, split_called

from recycle_datasets import FilesOptions
from recycle_datasets.bitmaps import placed
from recycle_datasets.labels import Labels
from recycle_datasets.maskfile import numbers_of
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recycle_datasets.readers.documents import (
    LINKED_MASKS,
    NOBODY_LABELLED,
    SKIPPED_PHOTOS,
    base_of,
    consumed,
    documents,
    photo_of,
    source,
)
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.recognise.segments_ai import is_release, recognise
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext

PREFERRED_LABEL_SET = "ground-truth"  # the set of labels that is taken where a sample has several
SEGMENTS_AI_SKIPPED = {"bbox": "boxes", "polyline": "lines", "point": "points"}


def open_segments_ai(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of a release: samples that nobody has labelled are left out.

    Polygons, and the pixels of a bitmap that hold an object's id, are labelled areas. A bitmap is looked for by the
    name in its address, else as NAME_label_SET.png, as the Python SDK saves it; its values are numbers, or
    red + 256 green + 65536 blue. Polygons are drawn in their order, the later over the earlier. Bitmaps are of the
    photo as it is turned by EXIF. Classes stand in the order of the dataset's categories.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    names: dict[str, None] = {}
    places = PhotoIndex(name for name in Tree(context.root).photos if name.lower().endswith(".png"))
    for name, content, split in documents(options, context, labels, recognise, "Segments.ai"):
        file = context.root / name
        if not is_release(content):
            labels.left_out["JSON files that are no release"] += content is not None
            continue
        about = content["dataset"].get("task_attributes")
        categories = dicts(about.get("categories") if isinstance(about, dict) else None)
        classes = {str(one.get("id")): str(one.get("name")).strip() for one in categories}
        names |= dict.fromkeys(classes.values())
        for _, sample in consumed(content["dataset"].get("samples")):
            photo = str(sample.get("name") or "")
            label = _label(sample)
            status = str(label.get("label_status", "")).upper() if label else "UNLABELED"
            attributes = label.get("attributes") if label else None
            if not isinstance(attributes, dict) or status in ("UNLABELED", "SKIPPED", "PRELABELED"):
                labels.left_out[SKIPPED_PHOTOS if status == "SKIPPED" else NOBODY_LABELLED] += 1
                continue
            shapes = list(_shapes(labels, context, places, f"{file}: {photo}", photo, attributes, classes))
            own = split_called(str(sample.get("split") or "")) or split
            labels.photos.append(photo_of(photo, shapes, None, own, str(file)))
    return source(context, labels, "Segments.ai", names)


def _label(sample: Mapping[str, Any]) -> Mapping[str, Any]:
    found = sample.get("labels")
    sets = {key: one for key, one in found.items() if isinstance(one, dict)} if isinstance(found, dict) else {}
    return sets.get(PREFERRED_LABEL_SET) or next(iter(sets.values()), {})


def _shapes(
    labels: Labels,
    context: DatasetContext,
    places: PhotoIndex,
    where: str,
    photo: str,
    attributes: Mapping[str, Any],
    classes: Mapping[str, str],
) -> Iterator[Shape]:
    """The labelled areas of a sample; all else is counted as left out."""
    link = attributes.get("segmentation_bitmap")
    annotations = dicts(attributes.get("annotations"))
    ids = None
    if isinstance(link, dict) and annotations:
        stem = base_of(photo).rpartition(".")[0] or base_of(photo)
        stems = [base_of(link.get("url")).rpartition(".")[0], f"{stem}_label_{PREFERRED_LABEL_SET}", f"{stem}_label"]
        place = next(filter(None, (places.by_any_stem(one) for one in stems if one)), "")
        if not place:
            labels.left_out[LINKED_MASKS] += 1
            return
        ids = numbers_of(resolve_file(context.root, place))
    for number, one in enumerate(annotations, start=1):
        name, kind = classes.get(str(one.get("category_id")), ""), str(one.get("type", "bitmap"))
        if not name:
            labels.faults.append((f"{where}, annotation {number}", f"no category has id {one.get('category_id')!r}"))
        elif kind == "polygon":
            yield Shape(name, [labels.outline(one.get("points"), f"{where}, annotation {number}")], level=number)
        elif ids is not None and isinstance(one.get("id"), int):
            mask: Any = ids == one["id"]
            if np.any(mask):
                yield Shape(name, rle=placed(mask, 0, 0, *ids.shape))
        else:
            labels.left_out[SEGMENTS_AI_SKIPPED.get(kind, f"annotations of type {kind}")] += 1
