"""Hugging Face's imagefolder with outlines, by the first rows of its metadata."""

import csv
from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree, parse_json

from recycle_datasets.recognise.lines import first_value
from recyclecli.types import Layout

NAMES = ("metadata.jsonl", "metadata.csv")
PHOTO = ("file_name", "image_file_name")
OBJECT_COLUMNS = ("objects", "annotations")
AREAS = ("segmentation", "segmentations", "polygon", "polygons", "mask", "masks", "rle", "rles")


def recognise(tree: Tree) -> Iterator[Layout]:
    """All tables with outlines as one layout."""
    files = tuple(name for name in tree.named(*NAMES) if any(map(has_areas, _first_rows(tree, name))))
    if files:
        yield Layout("hugging-face", f"{files[0]} holds objects with outlines", "content", options={"files": files})


def _first_rows(tree: Tree, name: str) -> Iterator[Any]:
    """The rows at the beginning of a table; the last may be cut off."""
    head = tree.head(name)
    if name.lower().endswith(".csv"):
        try:
            yield from csv.DictReader(head.splitlines())
        except csv.Error:
            return
        return
    yield first_value(tree, name)
    for line in head.split("\n")[1:]:
        try:
            yield parse_json(line)
        except ValueError:
            continue


def has_areas(row: Any) -> bool:
    """Whether a row names a photo, and says which pixels are an object's."""
    if not isinstance(row, dict) or not any(key in row for key in PHOTO):
        return False
    return any(_outlines(row.get(key)) for key in OBJECT_COLUMNS) or any(
        key in row and is_listed(row[key]) for key in AREAS
    )


def is_listed(value: Any) -> bool:
    """Whether a value, or a cell of a table, is a list with something in it, or an object: no path of a mask."""
    if isinstance(value, str):
        return value.lstrip()[:1] in ("[", "{") and value.strip() != "[]"
    return bool(value) and isinstance(value, list | dict) and (not isinstance(value, list) or any(value))


def _outlines(objects: Any) -> bool:
    """Whether objects, or a cell that spells them, have outlines."""
    if isinstance(objects, str):
        return any(f"{mark}{key}{mark}" in objects for key in AREAS for mark in "\"'")
    found = objects if isinstance(objects, list) else [objects]
    return any(is_listed(one.get(key)) for one in found if isinstance(one, dict) for key in AREAS)
