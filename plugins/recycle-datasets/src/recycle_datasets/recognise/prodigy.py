"""Prodigy's annotated images, by the first task of a file."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import first_of
from recycle_datasets.recognise.lines import recognise_lines
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    yield from recognise_lines(tree, "prodigy", is_task, "annotated images of Prodigy")


def is_task(content: Any) -> bool:
    """Whether JSON, or a line of it, is an image task, or a list of them."""
    task = first_of(content)
    return "image" in task and ("_task_hash" in task or "_input_hash" in task)
