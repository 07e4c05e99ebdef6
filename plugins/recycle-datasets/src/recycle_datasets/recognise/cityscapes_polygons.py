"""Cityscapes' polygon files, one for each photo, by their names and their content."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import dicts, recognise_documents
from recyclecli.types import Layout

POLYGONS_END = "_polygons.json"
PAINTED_ENDS = ("labelids.png", "labeltrainids.png", "_color.png")  # ends of masks that are painted from the polygons


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout; less sure where masks lie beside them."""
    painted = any(name.lower().endswith(PAINTED_ENDS) for name in tree.photos)
    yield from recognise_documents(
        tree,
        "cityscapes-polygons",
        is_polygons,
        "polygons of Cityscapes",
        (POLYGONS_END,),
        "folders" if painted else "content",
    )


def is_polygons(content: Any) -> bool:
    """Whether JSON, or its beginning, is of one photo."""
    if not isinstance(content, dict) or not {"imgHeight", "imgWidth"} <= content.keys():
        return False
    objects = content.get("objects")
    return isinstance(objects, list) and all({"label", "polygon"} <= one.keys() for one in dicts(objects)[:5])
