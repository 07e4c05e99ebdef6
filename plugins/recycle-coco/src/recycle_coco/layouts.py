"""What a folder without a usual annotation file holds instead, and where the photos of an annotation file lie."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

from recycle_coco.archive import refuse_archive
from recycle_coco.paths import copy_beside
from recycle_coco.tree import Tree
from recyclecli.errors import RecycleError, counted, join_limited

PARENT_FOLDERS = 2  # folders above an annotation file that photos are looked for in
PHOTOS_LOOKED_FOR = 5  # photos that are looked for


def refuse_file(root: Path) -> None:
    """Raise RecycleError where the data folder is a file."""
    refuse_archive(root, "the data's folder is expected")
    if root.is_file():
        folder, file = shlex.quote(str(photo_root(root))), shlex.quote(str(root))
        raise RecycleError(f"{root} is a file, and the data's folder is expected", f"{folder}, with json_path {file}")


def photo_root(file: Path) -> Path:
    """The folder that the photos of an annotation file are relative to: its own, or one above that holds them.

    Args:
        file: a COCO file, of which the head alone is read; of other files the own folder is returned.
    """
    from recycle_coco.lookup import locate

    folder = file.absolute().parent
    content = Tree(folder).glimpse(file.name)
    images = content.get("images") if isinstance(content, dict) else None
    first = [image["file_name"] for image in images or () if isinstance(image, dict) and "file_name" in image]
    names = [name for name in first[:PHOTOS_LOOKED_FOR] if isinstance(name, str)]
    for place in [folder, *folder.parents[:PARENT_FOLDERS]] if names else ():
        if any((place / name).is_file() for name in names) or locate(place, names).found:
            return place
    return folder


def no_annotation_file(root: Path, usual: tuple[str, ...]) -> RecycleError:
    """What is said of a folder that holds none of the usual annotation files: what it holds, and what to type."""
    tree = Tree(root)
    holds = f"{root} holds none of {', '.join(usual)}"
    documents = [name for name, content in tree.jsons() if _is_coco(content)]
    convert = f"recycle data import {shlex.quote(str(root))} {shlex.quote(str(copy_beside(root)))}"
    if documents:
        place = shlex.quote(str(root / documents[0]))
        remedy = convert if len(documents) > 1 else f"name the annotation file: --data {place}"
        return RecycleError(f"{holds}, but {join_limited(documents)}", remedy)
    if len(tree.files) > len(tree.photos):
        return RecycleError(f"{holds}, but {inventory(tree)}", f"if a labelling tool wrote it: {convert}")
    photos = f"photos or masks ({len(tree.photos)}), and no file of annotations" if tree.photos else "it is empty"
    remedy = "`recycle data import --list` says what labels may look like; or try a set that works: "
    remedy += "recycle data sample --data sample"
    if tree.photos:
        remedy += f"; photos alone can be predicted: recycle predict RUN {shlex.quote(str(root))} --out DIR"
    return RecycleError(f"{holds}: {photos}", remedy)


def inventory(tree: Tree) -> str:
    """What lies in a folder, by suffix, with examples of what is no photo."""
    count = counted(len(tree.links), "link")
    links = f"{count} to folders, not followed: {join_limited(tree.links)}" if tree.links else ""
    if not tree.files:
        return links or "nothing"
    counts = Counter(PurePosixPath(name).suffix.lower() or "no suffix" for name in tree.files)
    photos = set(tree.photos)
    examples = [name for name in tree.files if name not in photos][:3] or list(tree.files[:3])
    return (
        f"{join_limited(f'{count} {suffix}' for suffix, count in counts.most_common())}, as "
        f"{join_limited(map(repr, examples))}" + (f"; {links}" if links else "")
    )


def _is_coco(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(content.get("images"), list)
