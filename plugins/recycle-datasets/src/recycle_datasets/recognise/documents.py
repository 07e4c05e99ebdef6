"""Tools that keep photos and outlines in JSON alone: files of many photos, or folders with a file for each."""

from collections.abc import Callable, Iterator
from typing import Any

from recycle_coco import Tree

from recyclecli.types import Evidence, Layout

Is = Callable[[Any], bool]


def recognise_documents(
    tree: Tree,
    layout: str,
    is_one: Is,
    what: str,
    suffixes: tuple[str, ...] = (".json",),
    evidence: Evidence = "content",
) -> Iterator[Layout]:
    """All files of a tool as one layout.

    Args:
        tree: the data.
        layout: its name.
        is_one: whether a JSON value, or its beginning, is the tool's.
        what: such a file holds.
        suffixes: of the files.
        evidence: how sure that is.

    Yields:
        A layout whose option `files` names files; in their place a folder with a slash at its end where it holds
        several of which the first few are the tool's.
    """
    found: list[str] = []
    for name in tree.few(*suffixes):
        if is_one(tree.glimpse(name)):
            found.append(name)
    if not found:
        return
    files: dict[str, None] = {}
    for name in found:
        folder = name.rpartition("/")[0]
        inside = [one for one in tree.folders[folder] if one.lower().endswith(suffixes)]
        own = [one for one in found if one.rpartition("/")[0] == folder]
        files[f"{folder}/" if len(inside) > len(own) and len(own) > 1 else name] = None
    yield Layout(layout, f"{found[0]} holds {what}", evidence, options={"files": tuple(files)})


def dicts(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; none where it is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def first_of(content: Any) -> dict[str, Any]:
    """The first object of a list, or the object itself; {} for anything else."""
    if isinstance(content, list):
        content = next(iter(content), None)
    return content if isinstance(content, dict) else {}
