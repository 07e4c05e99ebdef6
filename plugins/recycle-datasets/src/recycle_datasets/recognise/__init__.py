"""How each reader's labels look in a folder: one light module a tool, imported by `recycle data import` alone."""

from collections.abc import Callable
from typing import Any

from recycle_coco import Tree


def folders_of(tree: Tree, is_annotation: Callable[[Any], bool]) -> dict[str, str]:
    """Folders with JSON files that are annotations of one photo each, to the first of them."""
    found: dict[str, str] = {}
    for name, content in tree.jsons():
        folder = name.rpartition("/")[0]
        if folder not in found and is_annotation(content):
            found[folder] = name
    return found
