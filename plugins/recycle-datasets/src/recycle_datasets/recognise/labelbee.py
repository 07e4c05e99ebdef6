"""LabelBee's JSON, by its content."""

from collections.abc import Iterator, Mapping
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import dicts, recognise_documents
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    yield from recognise_documents(tree, "labelbee", is_labelbee, "results of LabelBee's tools")


def is_labelbee(content: Any) -> bool:
    """Whether JSON, or its beginning, is of one photo's results."""
    return isinstance(content, dict) and "width" in content and any(True for _ in results(content))


def results(content: Mapping[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The tools of a photo with their results: of its steps, of its tools by name, or of its list `annotations`."""
    for one in (*content.values(), *dicts(content.get("annotations"))):
        if isinstance(one, dict) and isinstance(one.get("toolName"), str):
            yield one["toolName"], dicts(one.get("result"))
