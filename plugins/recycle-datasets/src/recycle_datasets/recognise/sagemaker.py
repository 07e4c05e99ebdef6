"""Manifests of Amazon SageMaker Ground Truth, by their first line."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.ultralytics import first_line
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All manifests as one layout."""
    endings = (".manifest", ".jsonl", ".ndjson", ".json")
    files = tuple(name for name in tree.few(*endings) if is_entry(first_line(tree, name)))
    if files:
        yield Layout("sagemaker", f"{files[0]} is a manifest of Ground Truth", "content", options={"files": files})


def is_entry(content: Any) -> bool:
    """Whether a line is of one photo."""
    return isinstance(content, dict) and "source-ref" in content and any("metadata" in str(key) for key in content)
