"""Dataturks' JSON lines, by the first of them."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import dicts, first_of
from recycle_datasets.recognise.lines import recognise_lines
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    yield from recognise_lines(tree, "dataturks", is_row, "labelled images of Dataturks")


def is_row(content: Any) -> bool:
    """Whether JSON, or a line of it, is a labelled image, or a list of them."""
    row = first_of(content)
    if "content" not in row or "annotation" not in row or not ({"extras", "metadata"} & row.keys()):
        return False
    return (
        row["annotation"] is None or any("points" in one for one in dicts(row["annotation"])) or not row["annotation"]
    )
