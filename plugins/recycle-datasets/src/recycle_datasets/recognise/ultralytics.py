"""Ultralytics' NDJSON, by its first line."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree, parse_json

from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    files = tuple(name for name in tree.few(".ndjson", ".jsonl") if is_set(first_line(tree, name)))
    if files:
        yield Layout("ultralytics", f"{files[0]} holds a set of Ultralytics", "content", options={"files": files})


def first_line(tree: Tree, name: str) -> Any:
    """The value of a file's first line; None where it is no JSON, or longer than the head."""
    try:
        return parse_json(tree.head(name).lstrip().partition("\n")[0])
    except ValueError:
        return None


def is_set(content: Any) -> bool:
    """Whether the first line of a file describes a set."""
    return isinstance(content, dict) and content.get("type") == "dataset" and "class_names" in content
