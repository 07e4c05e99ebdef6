"""Dataset dicts of Detectron2 as JSON, by their content."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import dicts, first_of, recognise_documents
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    yield from recognise_documents(tree, "detectron2", is_dicts, "dataset dicts of Detectron2", (".json", ".jsonl"))


def is_dicts(content: Any) -> bool:
    """Whether JSON, or its beginning, is of photos with annotations that belong to no COCO file."""
    photo = first_of(content)
    first = next(iter(dicts(photo.get("annotations"))), {})
    return "file_name" in photo and "category_id" in first and bool({"bbox_mode", "segmentation"} & first.keys())
