"""Scalabel's JSON, as of BDD100K, by its content."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import dicts, recognise_documents
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    yield from recognise_documents(tree, "scalabel", is_scalabel, "frames of Scalabel")


def is_scalabel(content: Any) -> bool:
    """Whether JSON, or its beginning, is of frames with labels that have an outline or a mask."""
    frames = dicts(content.get("frames") if isinstance(content, dict) else content)[:5]
    labels = [one for frame in frames for one in dicts(frame.get("labels"))]
    return (
        bool(frames)
        and all("name" in frame for frame in frames)
        and any("category" in one and ("poly2d" in one or "rle" in one) for one in labels)
    )
