"""Scale AI's tasks, by their content."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import first_of, recognise_documents
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    yield from recognise_documents(tree, "scale", is_scale, "tasks of Scale AI", (".json", ".jsonl", ".ndjson"))


def is_scale(content: Any) -> bool:
    """Whether JSON, or its beginning, is of tasks."""
    if isinstance(content, dict) and isinstance(content.get("docs"), list):
        content = content["docs"]
    task = first_of(content)
    return "task_id" in task and isinstance(task.get("params"), dict)
