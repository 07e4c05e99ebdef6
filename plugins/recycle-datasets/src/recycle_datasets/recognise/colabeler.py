"""Colabeler's JSON files, one for each photo, by their content."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import recognise_documents
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    yield from recognise_documents(tree, "colabeler", is_colabeler, "objects of Colabeler")


def is_colabeler(content: Any) -> bool:
    """Whether JSON, or its beginning, is of one photo."""
    outputs = content.get("outputs") if isinstance(content, dict) else None
    return isinstance(outputs, dict) and "path" in content and ("object" in outputs or "labeled" in content)
