"""Photos with a folder each, and in it a mask for each object, as of the Data Science Bowl 2018."""

from collections.abc import Iterator

from recycle_coco import Tree

from recycle_datasets.recognise.pairs import PAIR_SUFFIXES
from recyclecli.types import Layout

OBJECT_PHOTO_FOLDERS, OBJECT_MASK_FOLDER = ("images", "image"), "masks"


def recognise(tree: Tree) -> Iterator[Layout]:
    """All such folders as one layout."""
    found = find_objects(tree)
    if any(len(masks) > 1 for masks in found.values()):
        photo = max(found, key=lambda one: len(found[one]))
        yield Layout("object-masks", f"{photo} has {len(found[photo])} masks beside, one of each object", "folders")


def find_objects(tree: Tree) -> dict[str, tuple[str, ...]]:
    """Each photo that lies alone in a folder `images`, with the masks of the folder `masks` beside that."""
    found = {}
    for folder, names in tree.folders.items():
        parent, mark, last = folder.rpartition("/")
        pictures = [name for name in names if name.lower().endswith(PAIR_SUFFIXES)]
        if last in OBJECT_PHOTO_FOLDERS and mark and len(pictures) == 1:
            masks = tree.folders.get(f"{parent}/{OBJECT_MASK_FOLDER}", ())
            found[pictures[0]] = tuple(name for name in masks if name.lower().endswith(PAIR_SUFFIXES))
    return found
