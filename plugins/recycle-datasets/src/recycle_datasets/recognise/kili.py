"""Kili's JSON, by its content."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import dicts, first_of, recognise_documents
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    yield from recognise_documents(tree, "kili", is_kili, "assets of Kili")


def is_kili(content: Any) -> bool:
    """Whether JSON, or its beginning, is of assets with their labels."""
    asset = first_of(content)
    labelled = any("jsonResponse" in one for one in dicts(asset.get("labels"))[:1]) or _answers(
        asset.get("latestLabel")
    )
    return labelled or (not asset.get("labels", 0) and {"externalId", "jsonContent"} <= asset.keys())


def _answers(label: Any) -> bool:
    return isinstance(label, dict) and "jsonResponse" in label
