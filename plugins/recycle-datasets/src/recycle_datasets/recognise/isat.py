"""ISAT's JSON files, one for each photo, by their content."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import dicts, recognise_documents
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    yield from recognise_documents(tree, "isat", is_isat, "objects of ISAT")


def is_isat(content: Any) -> bool:
    """Whether JSON, or its beginning, is of one photo."""
    if not isinstance(content, dict) or not isinstance(content.get("info"), dict):
        return False
    objects = dicts(content.get("objects"))[:5]
    said = str(content["info"].get("description")).upper() == "ISAT"
    return (
        isinstance(content.get("objects"), list)
        and (said or bool(objects))
        and all({"category", "segmentation"} <= one.keys() for one in objects)
    )
