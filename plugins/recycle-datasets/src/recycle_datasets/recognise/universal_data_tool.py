"""Universal Data Tool's JSON, by its content."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import dicts, recognise_documents
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    yield from recognise_documents(tree, "universal-data-tool", is_udt, "samples of Universal Data Tool")


def is_udt(content: Any) -> bool:
    """Whether JSON, or its beginning, is a set of images."""
    if not isinstance(content, dict) or not isinstance(content.get("interface"), dict):
        return False
    samples = dicts(content.get("samples"))
    return "image" in str(content["interface"].get("type")) or any("imageUrl" in one for one in samples)
