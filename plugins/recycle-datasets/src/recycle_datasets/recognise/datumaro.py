"""Datumaro's own JSON, by its content."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recyclecli.types import Layout

DATUMARO_VERSION_KEY = "dm_format_version"


def recognise(tree: Tree) -> Iterator[Layout]:
    """All files of Datumaro as one layout: it writes one for each subset."""
    files = tuple(name for name, content in tree.jsons() if is_datumaro(content))
    if files:
        yield Layout("datumaro", f"{files[0]} holds items of Datumaro", "content", options={"files": files})


def is_datumaro(content: Any) -> bool:
    """Whether JSON is a subset, or the beginning of one whose items are cut off."""
    if not isinstance(content, dict) or not isinstance(content.get("categories"), dict):
        return False
    items = content.get("items")
    if not isinstance(items, list):
        return DATUMARO_VERSION_KEY in content
    return all(isinstance(one, dict) and "id" in one for one in items[:20])
