"""The path rule: a `file_name` is relative to the source's root and stays inside it."""

from __future__ import annotations

import os
from pathlib import Path

from recyclecli.coco.layouts import other_annotations, refuse_file
from recyclecli.errors import RecycleError

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})
ANNOTATION_FILES = ("train_all.json", "train.json", "annotations.json")


def find_annotation_file(root: Path) -> Path:
    """The annotation file of the whole source in `root`: the first of `ANNOTATION_FILES`.

    Raises:
        RecycleError: no such folder, or none of the files in it.
    """
    refuse_file(root)
    if not root.is_dir():
        raise RecycleError(
            f"data folder {root} does not exist",
            "name it with --data DIR or $RECYCLE_DATA; `recycle data sample` makes one to try",
        )
    for name in ANNOTATION_FILES:
        if (root / name).is_file():
            return root / name
    found = other_annotations(root)
    photos = sum(path.suffix.lower() in PHOTO_SUFFIXES for path in (*root.iterdir(), *root.glob("*/*")))
    if not found:
        what = f"{photos} photos but no annotations" if photos else "no photos and no annotations"
        raise RecycleError(
            f"{root} holds {what}",
            f"save COCO annotations as {root / ANNOTATION_FILES[-1]} (CVAT, Label Studio and others export them), "
            "or look at a set that works: recycle data sample --data sample"
            + (f"; photos alone can be predicted: recycle predict RUN {root} --out DIR" if photos else ""),
        )
    raise RecycleError(f"{root} holds none of {', '.join(ANNOTATION_FILES)}, {found[0]}", found[1])


def resolve_file(root: Path, file_name: str) -> Path:
    """`root / file_name`, by name alone: links inside the root are followed as the user laid them.

    Raises:
        RecycleError: an absolute name, or one that climbs out of the root.
    """
    inside = os.path.normpath(file_name)
    climbs = inside == os.pardir or inside.startswith((os.sep, os.pardir + os.sep))
    if climbs or "\0" in file_name or inside in ("", os.curdir):
        raise RecycleError(
            f"file_name {file_name!r} leaves the data folder {root}",
            "file names are relative to --data; move the photo inside, or pass its folder as --data",
        )
    return root / inside
