"""The `hugging-face` dataset: an imagefolder whose metadata.jsonl or metadata.csv has outlines."""

import csv
import logging
import sys
from ast import literal_eval
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from recycle_coco import Tree, parse_json
from recycle_coco.table import read_table

from recycle_datasets import FilesOptions
from recycle_datasets.folders import names_of
from recycle_datasets.labels import Labels
from recycle_datasets.outlines import Shape
from recycle_datasets.readers.documents import NOBODY_LABELLED, lines, numbered, photo_of, rle_of, rows_of, source
from recycle_datasets.readers.hugging_face_names import class_names
from recycle_datasets.readers.rle_csv import PHOTOS_WITHOUT_ROW
from recycle_datasets.recognise.hugging_face import AREAS, OBJECT_COLUMNS, PHOTO, is_listed, recognise
from recycle_datasets.shapes import ShapeSource
from recycle_datasets.splits import nearest_split, splits_of
from recyclecli.types import DatasetContext, counted

log = logging.getLogger("recycle.datasets")

CLASS_COLUMNS = ("category_name", "categories", "category", "labels", "label", "classes", "class", "category_ids",
           "category_id", "class_ids", "class_id")  # fmt: skip
BOXES = ("bbox", "bboxes", "box", "boxes")


def open_hugging_face(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos that rows of `metadata.jsonl` and `metadata.csv` name, in `file_name`, relative to the table.

    A row's objects are `objects` or `annotations`, a list of them or lists of equal length by what they hold, or such
    lists in the row itself. Of each, `segmentation` (also `polygons`, `masks` or `rles`) is a polygon as in COCO, a
    list of pairs, or an RLE of the whole photo; the smaller is on top. Objects with a box alone are left out, and so
    are photos whose row has no objects; one whose list of objects is empty is kept. Classes are names, or numbers from
    0 on: these are called by the `class_label` of README.md or dataset_info.json, or by id2label.json, else `class-0`
    and on. Splits are those of the folders.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    tree = Tree(context.root)
    files = options.files or names_of(tree, context, recognise, "files", "Hugging Face", "metadata.jsonl")
    labels = Labels(context.root / files[0])
    keys: set[str] = set()
    for name, split in zip(files, splits_of(files), strict=True):
        for where, row in _rows(labels, context.root / name):
            photo = next((str(row[key]) for key in PHOTO if row.get(key)), "")
            if not photo:
                labels.faults.append((where, "it names no photo: file_name is missing"))
                continue
            place = PurePosixPath(name).parent / photo.replace("\\", "/")
            objects = _objects(labels, where, row)
            if objects is None:
                labels.left_out[NOBODY_LABELLED] += 1
                continue
            size = labels.size(row.get("height"), row.get("width"), where)
            shapes: list[Shape] = []
            for number, one in enumerate(objects, start=1):
                shapes += _shapes(labels, f"{where}, object {number}", one, keys)
            split_of = split or nearest_split(place.parent)
            labels.photos.append(photo_of(place.as_posix(), shapes, size, split_of, where))
    described = class_names(tree, keys)
    unnamed = {shape.name for photo in labels.photos for shape in photo.shapes if shape.name.isdecimal()} - {*described}
    if unnamed:
        log.warning(
            f"note: {labels.file}: {counted(len(unnamed), 'class')} called by number; id2label.json beside it, "
            '{"0": "paper", "1": "metal"}, names them'
        )
    names = numbered(labels, described)
    return _counted(tree, source(context, labels, "the labelling tool", names))


def _counted(tree: Tree, found: ShapeSource) -> ShapeSource:
    """A source that counts the photos beside its own that no row names."""
    known = {*found.places}
    folders = {place.rpartition("/")[0] for place in known}
    unnamed = sum(place not in known and place.rpartition("/")[0] in folders for place in tree.photos)
    found.left_out.update({PHOTOS_WITHOUT_ROW: unnamed} if unnamed else {})
    return found


def _rows(labels: Labels, file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a table with where they stand."""
    if file.suffix.lower() == ".csv":
        csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
        for number, cells in rows_of(file, read_table(file)):
            yield f"{file}, line {number}", {**cells}
        return
    for where, row in lines(labels, file):
        if isinstance(row, dict):
            yield where, row
        else:
            labels.faults.append((where, "it is no object"))


def _objects(labels: Labels, where: str, row: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The objects of a row; None where it states none, and a fault where they cannot be told apart."""
    key = next((key for key in OBJECT_COLUMNS if row.get(key) is not None), None)
    try:
        found = _value(row[key]) if key else {one: _value(row[one]) for one in row if is_listed(row[one])}
    except ValueError as error:
        labels.faults.append((where, f"its {key or 'cells'} cannot be read: {error}"))
        return []
    if isinstance(found, list):
        return [one for one in found if isinstance(one, dict)]
    if not isinstance(found, dict) or (not key and not any(one in found for one in AREAS)):
        return None
    columns = {
        one: values for one, values in found.items() if one in (*AREAS, *BOXES, *CLASS_COLUMNS) and values is not None
    }
    counts = {one: len(values) if isinstance(values, list) else -1 for one, values in columns.items()}
    if len({*counts.values()}) > 1 or -1 in counts.values():
        told = ", ".join(f"{one} {'no list' if count < 0 else count}" for one, count in counts.items())
        labels.faults.append((where, f"its lists of objects are not of one length: {told}"))
        return []
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _value(value: Any) -> Any:
    """A value, also where a cell spells it as JSON or as Python prints it.

    Raises:
        ValueError: it is spelled otherwise.
    """
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    try:
        return parse_json(value)
    except ValueError:
        pass
    try:
        return literal_eval(value.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ValueError("it is neither JSON nor a Python literal") from error


def _shapes(labels: Labels, where: str, one: Mapping[str, Any], keys: set[str]) -> Iterator[Shape]:
    """The labelled area of an object; all else is counted as left out. `keys` is what classes are found under."""
    area = next((one[key] for key in AREAS if one.get(key)), None)
    key = next((key for key in CLASS_COLUMNS if one.get(key) is not None), "")
    called = one.get(key)
    if area is None:
        labels.left_out["boxes" if any(one.get(key) for key in BOXES) else "objects without an outline"] += 1
    elif isinstance(called, bool) or not isinstance(called, int | str) or not str(called).strip():
        labels.faults.append(
            (where, f"its {key} is {called!r}" if key else f"it has none of {', '.join(CLASS_COLUMNS)}")
        )
    else:
        keys.add(key)
        name = str(called).strip()
        if isinstance(area, dict):
            counts = area.get("counts")
            text = counts.decode("ascii", "replace") if isinstance(counts, bytes) else counts
            yield from rle_of(labels, where, name, {**area, "counts": text})
        else:
            yield Shape(name, [labels.outline(part, where) for part in _parts(area)])


def _parts(area: Any) -> list[Any]:
    """The outlines of a segmentation: lists of numbers as in COCO, one of them, or one of pairs."""
    lists = isinstance(area, list) and all(isinstance(part, list) for part in area)
    return area if lists and not all(len(part) == 2 for part in area) else [area]
