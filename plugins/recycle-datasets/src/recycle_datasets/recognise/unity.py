"""Frames of Unity Perception's SOLO format, by their content."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import dicts
from recyclecli.types import Layout

FRAME_DATA_END = ".frame_data.json"
SEMANTIC = "SemanticSegmentationAnnotation"


def recognise(tree: Tree) -> Iterator[Layout]:
    """All frames as one layout."""
    files = tuple(name for name in tree.files if name.endswith(FRAME_DATA_END))
    if files and is_frame(tree.glimpse(files[0])):
        yield Layout("unity", f"{files[0]} is a frame of Unity Perception", "content", options={"files": files})


def is_frame(content: Any) -> bool:
    """Whether JSON, or its beginning, is a frame."""
    return isinstance(content, dict) and bool(dicts(content.get("captures"))) and "sequence" in content
