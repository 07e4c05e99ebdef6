"""The splits that annotation files belong to, by their folders and their own names."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from recycle_coco import split_called

WORD = re.compile(r"[^\W\d_]+")
PLAIN_WORDS = frozenset(
    ("list", "lst", "set", "images", "image", "img", "files", "file", "ids", "id", "names", "paths", "data")
)
"""Words of a list's name that say nothing."""


def splits_of(names: Sequence[str]) -> list[str]:
    """`train`, `val` or `test` of each file by the nearest folder that is called so, else by its own name; "" for none.

    Names of files count where they tell splits apart: one `test.xml` alone is no split, nor is `train_val.json`.

    Args:
        names: of annotation files, relative to the root, with slashes.
    """
    own = [_in_name(PurePosixPath(name).stem) for name in names]
    if len({*own} - {""}) < 2:
        own = [""] * len(names)
    return [nearest_split(PurePosixPath(name).parent) or split for name, split in zip(names, own, strict=True)]


def list_split(stem: str) -> str:
    """The split that a list of photos is of, by its name: `train`, `val_list`; `trainval` for both; "" for none."""
    words = [word for word in WORD.findall(stem.lower()) if word not in PLAIN_WORDS]
    if words in (["trainval"], ["train", "val"]):
        return "trainval"
    return split_called(words[0]) if len(words) == 1 and not any(map(str.isdigit, stem)) else split_called(stem)


def nearest_split(path: PurePosixPath) -> str:
    """The split of the last part of a path that is called as one; "" for none."""
    return next(filter(None, map(split_called, reversed(path.parts))), "")


def _in_name(stem: str) -> str:
    found = {split_called(word) for word in WORD.findall(stem)} - {""}
    return found.pop() if len(found) == 1 else ""
