"""EISeg's JSON files, one for each photo, where it wrote no masks."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise import folders_of
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All folders of its files as one layout; masks of the same names say more, and are read as such."""
    there = set(tree.files)
    found = {
        folder: name
        for folder, name in folders_of(tree, is_eiseg).items()
        if name.rpartition(".")[0] + ".png" not in there
    }
    if found:
        files = tuple(f"{folder}/" if folder else "./" for folder in found)
        first = next(iter(found.values()))
        yield Layout("eiseg", f"{first} holds polygons of EISeg", "content", options={"files": files})


def is_eiseg(content: Any) -> bool:
    """Whether JSON, or its beginning, is of one photo."""
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, dict) and {"name", "labelIdx", "points"} <= first.keys()
