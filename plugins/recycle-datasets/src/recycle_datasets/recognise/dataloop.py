"""Dataloop's JSON files, one for each photo, by their content."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import dicts, recognise_documents
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    yield from recognise_documents(tree, "dataloop", is_dataloop, "annotations of Dataloop")


def is_dataloop(content: Any) -> bool:
    """Whether JSON, or its beginning, is the annotation of one item."""
    if not isinstance(content, dict) or not isinstance(content.get("annotations"), list):
        return False
    named = isinstance(content.get("filename"), str) and "image" not in content
    objects = dicts(content["annotations"])[:5]
    own = bool(objects) or not {"_id", "url", "dir", "datasetId", "metadata"}.isdisjoint(content)
    return named and own and all("label" in one and "type" in one for one in objects)
