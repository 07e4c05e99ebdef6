"""The folders that `labelme_json_to_dataset` writes, by the names of their files."""

from collections.abc import Iterator

from recycle_coco import Tree

from recyclecli.types import Layout

LABELME_PHOTO, LABELME_MASK, LABELME_CLASS_LIST = "img.png", "label.png", "label_names.txt"


def recognise(tree: Tree) -> Iterator[Layout]:
    """All such folders as one layout."""
    folders = find_folders(tree)
    if folders:
        yield Layout(
            "labelme-masks", f"{folders[0]}/{LABELME_CLASS_LIST} names the numbers of {LABELME_MASK}", "description"
        )


def find_folders(tree: Tree) -> list[str]:
    """The folders that hold a photo, its mask, and the names of the mask's numbers."""
    wanted = (LABELME_PHOTO, LABELME_MASK, LABELME_CLASS_LIST)
    return [folder for folder, names in tree.folders.items() if {f"{folder}/{one}" for one in wanted} <= {*names}]
