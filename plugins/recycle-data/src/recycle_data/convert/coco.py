"""Any source as a COCO folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from recycle_coco import IGNORE_CATEGORY, CocoSource, has_background, rasterise, resolve_file
from recycle_coco.paths import ANNOTATIONS_FILE

from recycle_data.coco_document import Region, annotation_regions, assemble, mask_regions
from recycle_data.convert.photos import copy_photo, inside, read_records, to_write
from recycle_data.named_splits import named_splits
from recycle_data.owned import Owned
from recycle_data.polygons import mask_polygons, rle_polygons, shifted
from recycle_data.progress import track
from recycle_data.sources import read_labels
from recyclecli.errors import RecycleError
from recyclecli.types import Record, Source


def write_coco(source: Source, dst: Path, polygons: bool, force: bool) -> int:
    """Copy the photos to `dst` under their own names, then write annotations.json; how many annotations.

    The splits that the data names are train.json, val.json and test.json.

    A COCO source keeps its whole document: ids, fields, objects that others hide; segmentations
    become RLE, or with `polygons` polygons with holes, and areas that were not stated are.

    Raises:
        RecycleError: files that exist, or a class that has the reserved name `ignore`.
    """
    if IGNORE_CATEGORY in source.class_names:
        raise RecycleError(
            f"a class is called {IGNORE_CATEGORY!r}, which COCO files keep for pixels of no class",
            "rename it in classes.txt or data.yaml",
        )
    records = read_records(source)
    places = [resolve_file(dst, inside(record)) for record in records]
    owned = Owned(dst)
    named = named_splits(source)
    splits = {split: set(photos) for split, photos in named.photos().items()} if named.train else {}
    with owned.begun(
        dst / ANNOTATIONS_FILE, [*to_write(places, records), *(dst / f"{split}.json" for split in splits)], force
    ):
        if isinstance(source, CocoSource):
            document = rewritten(source.document, polygons)
            for index in track(range(len(source)), len(source), "copying photos"):
                copy_photo(owned, source, index, records[index], places[index])
        else:
            photos = _photos(owned, source, records, places)
            document = assemble(source.class_names, photos, _segment if polygons else None)
        for split, chosen in splits.items():
            owned.write_json(dst / f"{split}.json", part(document, chosen))
        owned.write_json(dst / ANNOTATIONS_FILE, document)
    return len(document["annotations"])


def part(document: Mapping[str, Any], photos: set[int]) -> dict[str, Any]:
    """The document of some of its images, by their places."""
    images = [image for place, image in enumerate(document["images"]) if place in photos]
    ids = {image["id"] for image in images}
    annotations = [one for one in document["annotations"] if one["image_id"] in ids]
    return {**document, "images": images, "annotations": annotations}


def rewritten(document: Mapping[str, Any], polygons: bool) -> dict[str, Any]:
    """A COCO document with each segmentation as an RLE, or as polygons with holes where it is one object.

    What encloses no pixel stays as it is; area and box are the shape's where none is stated.
    """
    sizes = {image["id"]: (image["height"], image["width"]) for image in document["images"]}
    ignored = {category["id"] for category in document["categories"] if category["name"] == IGNORE_CATEGORY}
    annotations = []
    for annotation in track(document["annotations"], len(document["annotations"]), "converting"):
        solid = not annotation.get("iscrowd") and annotation["category_id"] not in ignored
        annotations.append(_rewritten(annotation, *sizes[annotation["image_id"]], polygons and solid))
    return {**document, "annotations": annotations}


def _rewritten(annotation: Mapping[str, Any], height: int, width: int, polygons: bool) -> dict[str, Any]:
    from pycocotools import mask as coco

    rle = rasterise(annotation.get("segmentation") or [], height, width)
    if rle is None:
        return dict(annotation)
    counts = rle["counts"] if isinstance(rle["counts"], str) else rle["counts"].decode("ascii")
    whole = {"size": [height, width], "counts": counts}
    stated = {key: value for key, value in annotation.items() if value is not None}
    found = {"area": int(coco.area(rle)), "bbox": coco.toBbox(rle).tolist(), "iscrowd": 0}
    return found | stated | {"segmentation": rle_polygons(rle) if polygons else whole}


def _photos(
    owned: Owned, source: Source, records: list[Record], places: list[Path]
) -> Iterator[tuple[str, int, int, Iterator[Region]]]:
    background = has_background(source.class_names)
    for index in track(range(len(source)), len(source), "converting"):
        record = records[index]
        copy_photo(owned, source, index, record, places[index])
        if record.annotations:
            regions = annotation_regions(record.annotations, record.height, record.width)
        else:
            regions = mask_regions(*read_labels(source, index), background)
        yield record.file_name, record.height, record.width, regions


def _segment(region: Region) -> list[list[float]]:
    """The region as polygons of the photo."""
    return [shifted(polygon, region.left, region.top) for polygon in mask_polygons(region.pixels)]
