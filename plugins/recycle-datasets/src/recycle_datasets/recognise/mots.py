"""MOTS PNG as CVAT and Datumaro write it, by its folders and its list of classes."""

from collections.abc import Iterator, Mapping

from recycle_coco import Tree

from recycle_datasets.recognise.folder_names import PHOTO_WORDS
from recycle_datasets.recognise.pairs import PAIR_SUFFIXES, stem_of
from recyclecli.types import Layout

MOTS_MASK_FOLDER, MOTS_CLASS_LIST = "instances", "labels.txt"


def recognise(tree: Tree) -> Iterator[Layout]:
    """All subsets as one layout."""
    if found := find_subsets(tree):
        first = next(iter(found))
        yield Layout("mots", f"{first}/{MOTS_CLASS_LIST} names the classes of {first}/*.png", "description")


def find_subsets(tree: Tree) -> dict[str, dict[str, str]]:
    """Each folder of masks that has a list of classes, with its masks by the photos of a folder beside it."""
    found = {}
    for folder, names in tree.folders.items():
        parent, _, last = folder.rpartition("/")
        if last == MOTS_MASK_FOLDER and f"{folder}/{MOTS_CLASS_LIST}" in names:
            masks = {stem_of(name.rpartition("/")[2]): name for name in names if name.lower().endswith(".png")}
            for photos, pictures in tree.folders.items():
                beside, _, called = photos.rpartition("/")
                if beside == parent and called in PHOTO_WORDS:
                    found[folder] = _pairs(pictures, masks)
    return {folder: pairs for folder, pairs in found.items() if pairs}


def _pairs(pictures: tuple[str, ...], masks: Mapping[str, str]) -> dict[str, str]:
    stems = {name: stem_of(name.rpartition("/")[2]) for name in pictures if name.lower().endswith(PAIR_SUFFIXES)}
    return {name: masks[stem] for name, stem in stems.items() if stem in masks}
