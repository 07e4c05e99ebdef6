"""Segments.ai's release files, by their content."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import recognise_documents
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    yield from recognise_documents(tree, "segments-ai", is_release, "a release of Segments.ai")


def is_release(content: Any) -> bool:
    """Whether JSON, or its beginning, is a release of a dataset."""
    dataset = content.get("dataset") if isinstance(content, dict) else None
    return isinstance(dataset, dict) and ("task_attributes" in dataset or "task_type" in dataset)
