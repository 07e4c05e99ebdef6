"""What was imported, as photos and COCO files."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recycle_coco import IGNORE_CATEGORY, CocoSource, has_background, rasterise, resolve_file
from recycle_coco.paths import ANNOTATIONS_FILE, TEST_FILE, TRAIN_FILE, VAL_FILE, WHOLE_FILE
from recycle_coco.pixels import alone

from recycle_data.coco_document import categories_of, mask_regions, shape_of
from recycle_data.convert.photos import inside, put_photo, read_records, to_write
from recycle_data.importing.visible import visible
from recycle_data.named_splits import named_splits
from recycle_data.optional import splits_of
from recycle_data.owned import Owned
from recycle_data.progress import track
from recycle_data.recognise import LayoutMatch
from recycle_data.sources import read_labels
from recycle_data.threads import in_threads
from recyclecli import __version__
from recyclecli.errors import RecycleError, counted, join_limited
from recyclecli.types import IGNORE, Record, Source

log = logging.getLogger("recycle.data")

SET_FILES = (WHOLE_FILE, TRAIN_FILE, VAL_FILE, TEST_FILE, ANNOTATIONS_FILE)  # what a folder's set may be read from


@dataclass(frozen=True, slots=True)
class WrittenDataset:
    """What was written.

    Attributes:
        objects: annotations.
        files: the annotation files, that of the whole set or of the training photos first.
        left_out: what could not be written, to how many.
    """

    objects: int
    files: tuple[Path, ...]
    left_out: Counter[str]


def write(
    source: Source,
    out: Path,
    taken: LayoutMatch,
    root: Path,
    parts: Mapping[str, Sequence[int]],
    link: bool,
    force: bool,
) -> WrittenDataset:
    """Write the photos to `out` under their own names, then train.json, val.json and test.json, or train_all.json.

    An object stays a polygon where that says it all; it is written as RLE where it has holes, or where another
    drawing order than that of COCO files decides what is seen, and then what is seen of it.

    Raises:
        RecycleError: files that exist, two photos of one name, or a class that has the reserved name `ignore`.
    """
    if IGNORE_CATEGORY in source.class_names:
        raise RecycleError(
            f"a class is called {IGNORE_CATEGORY!r}, which COCO files keep for pixels of no class",
            "rename it in the labelling tool",
        )
    records = read_records(source)
    places = [resolve_file(out, inside(record)) for record in records]
    left_out = Counter[str]()
    files = [out / (f"{split}.json" if split else WHOLE_FILE) for split in parts]
    owned, others = Owned(out), other_set(out, files, force)
    with owned.begun(files[0], [*to_write(places, records, link), *files[1:]], force):
        for index in track(range(len(records)), len(records), "linking photos" if link else "copying photos"):
            put_photo(owned, source, index, records[index], places[index], link)
        documents = _documents(source, records, parts, left_out)
        origin = {"description": f"{taken.title}, imported", "layout": taken.layout.name, "options": _plain(taken)}
        about = {**origin, "from": str(root.absolute()), "recyclecli": __version__}
        for file, document in reversed([*zip(files, documents, strict=True)]):
            owned.write_json(file, {"info": about, **document})
        owned.remove(others)
    whole = documents[:1] if len(parts.get("", ())) == len(source) else documents
    return WrittenDataset(sum(len(document["annotations"]) for document in whole), tuple(files), left_out)


def other_set(out: Path, files: Sequence[Path], force: bool) -> list[Path]:
    """Annotation files of another set that would stay beside new ones: with `force`, they are to be removed then.

    Raises:
        RecycleError: there are such files, and not `force`, or they are not what was written there.
    """
    others = [out / name for name in SET_FILES if out / name not in files and (out / name).exists()]
    Owned(out).refuse_foreign(others)
    if others and not force:
        raise RecycleError(
            f"{out} holds another set: {join_limited(file.name for file in others)} would stay beside the new files",
            "name a new folder, or replace the set that recycle wrote there: --force",
        )
    return others


def parts_of(source: Source) -> dict[str, Sequence[int]]:
    """The photos of each split, and under "" those of none.

    A photo of several splits is in the one that judges, which is said. Where a split for validation is named, the
    photos of none are for training. What is all in a split that judges is the whole set, too.
    """
    named = named_splits(source, held_out=True)
    parts: dict[str, Sequence[int]] = {**named.photos()}
    listed = {index for indices in parts.values() for index in indices}
    rest = [index for index in range(len(source)) if index not in listed]
    if not rest and "train" not in parts:
        return {"": range(len(source)), **parts}
    if not {"train", "val"} & parts.keys():
        return {"": rest, **parts}
    stated = [set(photos) for photos in splits_of(source).values()]
    distinct = [photos for place, photos in enumerate(stated) if photos not in stated[:place]]
    shared = sum(map(len, distinct)) - len(set().union(*distinct))
    if shared:
        log.warning(f"note: {shared} photos are in a split that judges, too, and stay in that one alone")
    if rest:
        log.warning(f"note: for training, as in no split of the export: {counted(len(rest), 'photo')}")
        parts = {"train": sorted([*parts.pop("train", ()), *rest]), **parts}
    return parts


def _plain(taken: LayoutMatch) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in taken.layout.options.items()}


def _documents(
    source: Source, records: Sequence[Record], parts: Mapping[str, Sequence[int]], left_out: Counter[str]
) -> list[dict[str, Any]]:
    """A COCO document of each split."""
    chosen = sorted({index for indices in parts.values() for index in indices})
    own_images, own_annotations = _fields(source)

    def read(index: int) -> tuple[list[dict[str, Any]], Counter[str]]:
        with alone(records[index].height * records[index].width):
            return _entries(source, index, records[index], own_annotations.get(index, ()))

    entries = {}
    for index, (found, empty) in zip(
        chosen, in_threads(read, track(chosen, len(chosen), "reading labels")), strict=True
    ):
        entries[index] = found
        left_out.update(empty)
    ignored = any(entry["category_id"] == IGNORE for found in entries.values() for entry in found)
    categories = categories_of(source.class_names, ignored)
    documents = []
    for indices in parts.values():
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for index in indices:
            record = records[index]
            size = {"width": record.width, "height": record.height}
            images.append({**own_images.get(index, {}), "id": index + 1, "file_name": inside(record), **size})
            for number, entry in enumerate(entries[index], start=len(annotations) + 1):
                category = len(source.class_names) if entry["category_id"] == IGNORE else entry["category_id"]
                annotations.append({"id": number, "image_id": index + 1, **entry, "category_id": category})
        documents.append({"images": images, "annotations": annotations, "categories": categories})
    return documents


def _fields(source: Source) -> tuple[dict[int, dict[str, Any]], dict[int, list[dict[str, Any]]]]:
    """What a COCO file says besides of each photo and of its annotations: ids that can be kept, and provenance."""
    if not isinstance(source, CocoSource):
        return {}, {}
    images = source.document["images"]
    places = {image["id"]: place for place, image in enumerate(images)}
    ids = [one.get("id") for one in source.document["annotations"]]
    anew = len(set(ids)) < len(ids) or not all(isinstance(one, int) for one in ids)
    left = ("image_id", "id") if anew else ("image_id",)
    annotations: dict[int, list[dict[str, Any]]] = {}
    for one in source.document["annotations"]:
        kept = {key: value for key, value in one.items() if key not in left}
        annotations.setdefault(places[one["image_id"]], []).append(kept)
    return dict(enumerate(images)), annotations


def _entries(
    source: Source, index: int, record: Record, own: Sequence[dict[str, Any]]
) -> tuple[list[dict[str, Any]], Counter[str]]:
    """The objects of a photo as COCO annotations, with labels as categories, and what shows nothing."""
    size = (record.height, record.width)
    background = has_background(source.class_names)
    if not record.annotations:
        mask, instances = read_labels(source, index)
        regions = mask_regions(mask, instances, background)
        drawn = [region for region in regions if region.label or not background]
        return [{"category_id": region.label, **shape_of(region, *size)} for region in drawn], Counter()
    from pycocotools import mask as coco

    rles = [rasterise(one.segmentation, *size) for one in record.annotations]
    seen = visible(record.annotations, rles, background)
    found, empty = [], Counter[str]()
    for place, one in enumerate(record.annotations):
        if background and one.label == 0:
            continue
        rle = seen.get(place, rles[place])
        area = 0 if rle is None else int(coco.area(rle))
        if rle is None or not area:
            empty["objects that others hide" if place in seen else "shapes that enclose no pixel"] += 1
            continue
        counts = rle["counts"] if isinstance(rle["counts"], str) else rle["counts"].decode("ascii")
        polygons = place not in seen and not isinstance(one.segmentation, dict) and not one.iscrowd
        shape = one.segmentation if polygons else {"size": list(size), "counts": counts}
        crowd = int(one.iscrowd or one.label == IGNORE)
        entry = {
            **(own[place] if own else {}),
            "category_id": one.label,
            "segmentation": shape,
            "area": one.area if crowd and one.area is not None else area,  # it decides among crowds
            "bbox": coco.toBbox(rle).tolist(),
            "iscrowd": crowd,
        }
        found.append(entry)
    return found, empty
