"""SuperAnnotate's JSON files, one for each photo or one for all, by their content."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import dicts, recognise_documents
from recyclecli.types import Layout

SUPERANNOTATE_TYPES = frozenset(
    {"polygon", "bbox", "rbbox", "ellipse", "point", "polyline", "cuboid", "template", "mask", "comment", "meta", "tag"}
)


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    yield from recognise_documents(tree, "superannotate", is_superannotate, "objects of SuperAnnotate")


def is_superannotate(content: Any) -> bool:
    """Whether JSON, or its beginning, is of one photo, in the new form or the old, or of all photos of a project."""
    if isinstance(content, dict):
        about = content.get("metadata")
        if isinstance(about, dict) and isinstance(content.get("instances"), list):
            return "name" in about or "lastAction" in about
        return any(_are_objects(value) for value in [*content.values()][:3])
    return _are_objects(content)


def _are_objects(value: Any) -> bool:
    """Whether a list is of objects as the old form has them."""
    objects = dicts(value)[:5]
    return bool(objects) and all(
        (
            one.get("type") in SUPERANNOTATE_TYPES
            and ("className" in one or "classId" in one or one["type"] in ("meta", "comment"))
        )
        or ("className" in one and "parts" in one)
        for one in objects
    )
