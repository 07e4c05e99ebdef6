"""Tools that keep a JSON value a line: files in which the first line tells."""

from collections.abc import Callable, Iterator
from typing import Any

from recycle_coco import Tree, parse_json

from recyclecli.types import Layout

JSON_LINES_SUFFIXES = (".jsonl", ".ndjson", ".json", ".manifest", ".txt")
CUT = 2**16  # characters of a line whose end is not looked for


def recognise_lines(tree: Tree, layout: str, is_one: Callable[[Any], bool], what: str) -> Iterator[Layout]:
    """All files of a tool as one layout.

    Args:
        tree: the data.
        layout: its name.
        is_one: whether the value of a first line, or of a whole JSON file, is the tool's.
        what: such a file holds.
    """
    files = tuple(name for name in tree.few(*JSON_LINES_SUFFIXES) if is_one(first_value(tree, name)))
    if files:
        yield Layout(layout, f"{files[0]} holds {what}", "content", options={"files": files})


def first_value(tree: Tree, name: str) -> Any:
    """The value of a file's first line, or what a glimpse shows of it; None for what is no JSON."""
    if not name.lower().endswith(".txt"):
        whole = tree.glimpse(name)
        if whole is not None:
            return whole
    line = tree.head(name).lstrip().partition("\n")[0]
    try:
        return parse_json(line) if line[:1] == "{" else None
    except ValueError:
        return None
