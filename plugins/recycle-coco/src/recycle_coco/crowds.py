"""What `iscrowd: 1` means in a COCO file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from recycle_coco.labels import IGNORE_CATEGORY

Crowds = Literal["auto", "objects", "regions"]


def crowd_counts(content: Mapping[str, Any]) -> tuple[int, int]:
    """How many annotations are crowds, and how many there are, the reserved category `ignore` left out."""
    ignored = ignored_ids(content)
    kinds = [bool(one.get("iscrowd")) for one in content["annotations"] if one["category_id"] not in ignored]
    return sum(kinds), len(kinds)


def are_objects(content: Mapping[str, Any], crowds: Crowds) -> tuple[bool, str]:
    """Whether crowds are taken for objects, and what to say of that; nothing where there are no crowds.

    `auto` takes them for objects where the file has no other kind, as tools write masks that are drawn with a brush.
    """
    count, total = crowd_counts(content)
    if not count or crowds == "regions" or (crowds == "auto" and count < total):
        return False, ""
    if crowds == "objects":
        return True, f"{count} of {total} annotations are crowds (iscrowd 1): taken for objects"
    return True, (
        f"all annotations ({count}) are crowds (iscrowd 1): taken for objects; --crowds regions takes them for regions "
        "of no single object"
    )


def ignored_ids(content: Mapping[str, Any]) -> set[Any]:
    """Ids of the reserved category."""
    return {category["id"] for category in content["categories"] if category["name"] == IGNORE_CATEGORY}


def as_objects(content: dict[str, Any]) -> dict[str, Any]:
    """The content with its crowds as objects."""
    ignored = ignored_ids(content)
    annotations = [
        {**one, "iscrowd": 0} if one.get("iscrowd") and one["category_id"] not in ignored else one
        for one in content["annotations"]
    ]
    return {**content, "annotations": annotations}
