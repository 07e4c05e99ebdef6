"""Encord's JSON, by its content."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import first_of, recognise_documents
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    yield from recognise_documents(tree, "encord", is_encord, "label rows of Encord")


def is_encord(content: Any) -> bool:
    """Whether JSON, or its beginning, is a list of label rows, or one."""
    row = first_of(content)
    return isinstance(row.get("data_units"), dict) and (
        "label_hash" in row or "data_hash" in row or "data_title" in row
    )
