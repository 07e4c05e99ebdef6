"""Vertex AI's image segmentation, by the first line."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import first_of
from recycle_datasets.recognise.lines import recognise_lines
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout."""
    yield from recognise_lines(tree, "vertex-ai", is_item, "segmented images of Vertex AI")


def is_item(content: Any) -> bool:
    """Whether JSON, or a line of it, is an image with areas."""
    item = first_of(content)
    return "imageGcsUri" in item and bool({"segmentationAnnotation", "polygonAnnotations"} & item.keys())
