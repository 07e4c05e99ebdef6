"""COCO's panoptic segments: a JSON file with a folder of PNGs, by the content of the file."""

from collections.abc import Iterator
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.documents import dicts, recognise_documents
from recyclecli.types import Layout


def recognise(tree: Tree) -> Iterator[Layout]:
    """All of its files as one layout; COCO's instances, where they lie beside, are surer."""
    yield from recognise_documents(
        tree, "coco-panoptic", lambda content: _is_sure(tree, content), "panoptic segments", evidence="description"
    )


def is_panoptic(content: Any) -> bool:
    """Whether JSON, or its beginning, is of panoptic segments."""
    if not isinstance(content, dict):
        return False
    annotations = dicts(content.get("annotations"))[:5]
    return bool(annotations) and all("segments_info" in one for one in annotations)


def _is_sure(tree: Tree, content: Any) -> bool:
    """Also of a file whose images come first and hide the annotations: photos are there, and PNGs of their names."""
    if is_panoptic(content):
        return True
    hidden = isinstance(content, dict) and "annotations" not in content and dicts(content.get("images"))
    if not hidden:
        return False
    folders = [folder for folder in tree.folders if folder.rpartition("/")[2].startswith("panoptic")]
    return any(name.lower().endswith(".png") for one in folders for name in tree.folders[one][:5])
