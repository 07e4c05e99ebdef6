"""LabelU's JSON, by its content."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import first_of, recognise_documents
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    yield from recognise_documents(tree, "labelu", is_labelu, "samples of LabelU")


def is_labelu(content: Any) -> bool:
    """Whether JSON, or its beginning, is of LabelU's samples."""
    sample = first_of(content)
    return "result" in sample and "fileName" in sample
