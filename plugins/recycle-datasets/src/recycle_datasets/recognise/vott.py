"""VoTT's JSON, by its content."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import recognise_documents
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    yield from recognise_documents(tree, "vott", is_vott, "assets of VoTT")


def is_vott(content: Any) -> bool:
    """Whether JSON, or its beginning, is a project, an export of one, or the regions of one photo."""
    if not isinstance(content, dict):
        return False
    assets = content.get("assets")
    first = next(iter(assets.values()), None) if isinstance(assets, dict) else content
    if not isinstance(first, dict):
        return False
    named = isinstance(first.get("asset"), dict) or (isinstance(assets, dict) and "path" in first)
    return named and ("regions" in first or ("tags" in content and "assets" in content))
