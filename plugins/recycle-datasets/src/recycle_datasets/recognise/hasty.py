"""Hasty's JSON, by its content."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import recognise_documents
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    yield from recognise_documents(tree, "hasty", is_hasty, "images and label classes of Hasty")


def is_hasty(content: Any) -> bool:
    """Whether JSON, or its beginning, is an export of a project."""
    return (
        isinstance(content, dict)
        and isinstance(content.get("label_classes"), list)
        and ("export_format_version" in content or "project_name" in content)
    )
