"""Ango Hub's exports, by their content."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import first_of, recognise_documents
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    yield from recognise_documents(tree, "ango", is_ango, "assets of Ango Hub")


def is_ango(content: Any) -> bool:
    """Whether JSON, or its beginning, is of assets with their tasks."""
    asset = first_of(content)
    return bool({"asset", "data"} & asset.keys() and "externalId" in asset and {"task", "tasks"} & asset.keys())
