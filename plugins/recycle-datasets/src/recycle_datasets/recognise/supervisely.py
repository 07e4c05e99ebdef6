"""Supervisely's projects and datasets, by the content of their annotation files."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise import folders_of
from recyclecli.types import Layout

META = "meta.json"  # of a project: its classes and tags
CLASS_KEYS = frozenset({"classTitle", "classId"})  # keys of an object
LOOKED_AT = 20  # objects of a file


def recognise(tree: Tree) -> Iterator[Layout]:
    """All folders of annotation files as one layout: a project has one for each of its datasets."""
    found = folders_of(tree, is_annotation)
    if found:
        first = next(iter(found.values()))
        yield Layout(
            "supervisely",
            f"{first} holds objects of Supervisely",
            "content",
            options={"folders": tuple(folder or "." for folder in found)},
        )


def is_annotation(content: Any) -> bool:
    """Whether JSON is the annotation of one photo."""
    if not isinstance(content, dict):
        return False
    size, objects = content.get("size"), content.get("objects")
    if not (isinstance(size, dict) and {"height", "width"} <= size.keys() and isinstance(objects, list)):
        return False
    if not objects:
        return "tags" in content or "description" in content
    return all(isinstance(one, dict) and not one.keys().isdisjoint(CLASS_KEYS) for one in objects[:LOOKED_AT])


def is_meta(content: Any) -> bool:
    """Whether JSON is the meta.json of a project."""
    classes = content.get("classes") if isinstance(content, dict) else None
    return isinstance(classes, list) and all(isinstance(one, dict) and "title" in one for one in classes)
