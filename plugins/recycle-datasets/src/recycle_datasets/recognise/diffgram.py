"""Diffgram's exports, by their content."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import recognise_documents
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    yield from recognise_documents(tree, "diffgram", is_diffgram, "an export of Diffgram")


def is_diffgram(content: Any) -> bool:
    """Whether JSON, or its beginning, is an export."""
    return isinstance(content, dict) and {"label_map", "export_info"} <= content.keys()
