"""Azure Machine Learning's JSON lines, by the first of them."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.ultralytics import first_line
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    files = tuple(name for name in tree.few(".jsonl", ".ndjson", ".json") if is_point(first_line(tree, name)))
    if files:
        yield Layout("azure-ml", f"{files[0]} holds labelled images of Azure ML", "content", options={"files": files})


def is_point(content: Any) -> bool:
    """Whether a line is a labelled image."""
    return isinstance(content, dict) and "image_url" in content and isinstance(content.get("label"), list)
