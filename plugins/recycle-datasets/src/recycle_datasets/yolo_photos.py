"""Where the photos of a YOLO set lie, by its description, its lists and its folders."""

import logging
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from recycle_coco import Tree, split_called

from recycle_datasets.folders import lines_of, photos_in, say_moved
from recycle_datasets.recognise.places import PhotoFinder
from recycle_datasets.recognise.yolo import (
    LABEL_FILE_BYTES,
    SPLIT_KEYS,
    class_name_list,
    find_place,
    is_photo,
    labelled,
)
from recycle_datasets.yolo_labels import label_file
from recyclecli.types import DatasetContext, RecycleError, counted

log = logging.getLogger("recycle.datasets")


def photos_of(context: DatasetContext, data: dict[str, Any], tree: Tree, folder: str) -> dict[str, list[Path]]:
    """The photos of each split that the description names, or under "" those of the split, or of the whole set."""
    root, split = context.root, context.split
    base = root / folder / str(data.get("path") or "")
    base = base if base.is_dir() and base.resolve().is_relative_to(root.resolve()) else root / folder
    keys = [key for key in SPLIT_KEYS if data.get(key)]
    if split is None and keys:
        there = {
            key: [place for one in class_name_list(data[key]) if (place := _place(one, base, tree, key))]
            for key in keys
        }
        gone = [key for key in keys if not there[key]]
        if len(gone) == len(keys):
            log.warning(f"note: {data[keys[0]]} is not there, nor any split: all photos are read")
            return _undescribed(tree)
        for key in gone if len(gone) < len(keys) and "train" not in gone else ():
            log.warning(f"note: {key}: {data[key]} is not there: {root} has no {key} photos")
            keys.remove(key)
        for key in keys:
            _say_place(key, class_name_list(data[key]), there[key], base)
        found = {key: _all_at(there[key] or [base / class_name_list(data[key])[0]], base, root, tree) for key in keys}
        empty = [key for key in keys if not found[key] and key != "train"]
        found |= dict(_unnamed(found, [key for key in SPLIT_KEYS if key not in data], tree))
        return {key: found[key] for key in SPLIT_KEYS if key in found and key not in empty}
    if split is None:
        return _undescribed(tree)
    if split in keys:
        places = [_place(one, base, tree, split) or base / one for one in class_name_list(data[split])]
        return {"": _all_at(places, base, root, tree)}
    if (root / split).exists() or (root / "images" / split).exists():
        folder = split if (root / split).exists() else f"images/{split}"
        return {"": _all_at([root / folder], root, root, tree)}
    raise RecycleError(f"{root} has no split {split!r}", f"splits: {', '.join(keys) or 'none is named'}")


def _unnamed(found: Mapping[str, Sequence[Path]], keys: Sequence[str], tree: Tree) -> Iterator[tuple[str, list[Path]]]:
    """Splits that a description lacks and that have folders beside those of the others, with labels."""
    folders = {key: {photo.parent.relative_to(tree.root).parts for photo in photos} for key, photos in found.items()}
    others = {
        tuple("" if split_called(part) == key else part for part in parts)
        for key, some in folders.items()
        for parts in some
    }
    pictures = frozenset(tree.photos)
    for key in keys:
        for name in tree.folders:
            parts = PurePosixPath(name).parts
            if tuple("" if split_called(part) == key else part for part in parts) not in others or parts in others:
                continue
            photos = [tree.root / one for one in tree.folders[name] if one in pictures]
            if any(label_file(photo, tree.root).is_file() for photo in photos):
                log.warning(f"note: {key}: the description does not name it, and {name} is read")
                yield key, photos


def left_over(found: Iterable[Path], labels: Iterable[Path | None], tree: Tree) -> int:
    """How many photos besides have a label file where ultralytics looks, or one of their name that no photo has."""
    known = {photo.relative_to(tree.root).as_posix() for photo in found}
    used = {*labels}
    spare: dict[str, list[str]] = {}
    for name in tree.ending(".txt"):
        if tree.root / name not in used:
            spare.setdefault(PurePosixPath(name).stem, []).append(name)
    return sum(
        label_file(tree.root / name, tree.root).is_file()
        or any(labelled(tree.head(text, LABEL_FILE_BYTES)) for text in spare.get(PurePosixPath(name).stem, ()))
        for name in tree.photos
        if name not in known
    )


def _undescribed(tree: Tree) -> dict[str, list[Path]]:
    """The photos of text files that list a split each, of the folder `images`, or of folders with label files."""
    root = tree.root
    lists = {split_called(PurePosixPath(name).stem): name for name in tree.ending(".txt")}
    lists = {key: name for key, name in lists.items() if key and is_photo(tree.head(name).strip().partition("\n")[0])}
    if "train" in lists:
        return {key: _all_at([root / name], root, root, tree) for key, name in sorted(lists.items())}
    if (root / "images").exists():
        return {"": _all_at([root / "images"], root, root, tree)}
    texts = {posixpath.splitext(name)[0].rpartition("/")[2] for name in tree.ending(".txt")}
    stems = {name: posixpath.splitext(name)[0].rpartition("/")[2] for name in tree.photos}
    folders = {name.rpartition("/")[0] for name, stem in stems.items() if stem in texts}
    photos = [root / name for name in tree.photos if name.rpartition("/")[0] in folders]
    return {"": photos or _all_at([root / "images"], root, root, tree)}


def _all_at(places: Iterable[Path], base: Path, root: Path, tree: Tree) -> list[Path]:
    return list(dict.fromkeys(photo for place in places for photo in _photos_at(place, base, root, tree)))


def _place(place: str, base: Path, tree: Tree, split: str) -> Path | None:
    """The folder or text file that the description names, as it stands there or by its last parts."""
    plain = base / place.replace("\\", "/")
    if plain.exists() and (plain.suffix == ".txt" or plain.resolve().is_relative_to(tree.root.resolve())):
        return plain
    inside = base.relative_to(tree.root).as_posix()
    found = find_place(tree, "" if inside == "." else inside, place, split)
    return None if found is None else tree.root / found


def _say_place(key: str, stated: Sequence[Any], there: Sequence[Path], base: Path) -> None:
    """Say where photos of a split are that do not lie where the description says; Roboflow's ../ is usual."""
    for one, place in zip(stated, there, strict=False):
        if not str(one).startswith("../") and place != base / str(one) and not (base / str(one)).exists():
            log.warning(f"note: {key}: {one} is not there, and {place} is read")


def _photos_at(found: Path, base: Path, root: Path, tree: Tree) -> Iterable[Path]:
    """The photos of a folder, or of a text file with a path per line."""
    if found.suffix != ".txt":
        return [_inside(photo, root, found) for photo in photos_in(found)]
    photos, rest = [], []
    for line in lines_of(found):
        choices = [found.parent / line, base / line]
        there = next((choice for choice in choices if choice.is_file()), None)
        photos.append(line if there is None else _inside(there, root, found).relative_to(root).as_posix())
        rest += [line] if there is None else []
    placed = PhotoFinder(tree.photos).find(rest, found.relative_to(root).as_posix()) if rest else None
    if placed and placed.doubtful:
        name, several = next(iter(placed.doubtful.items()))
        raise RecycleError(
            f"{found}: {name!r} may be {len(several)} photos: {', '.join(map(repr, several[:3]))}",
            "write the one that is meant into the list",
        )
    moved = placed.found if placed else {}
    say_moved(found, moved)
    gone = [line for line in rest if line not in moved]
    if gone and len(gone) == len(photos):
        raise RecycleError(f"{found}: none of its photos is in {root}, as {gone[0]!r}", "put them into that folder")
    if gone:
        log.warning(f"note: {found}: {counted(len(gone), 'photo')} not there, as {gone[0]!r}")
    lost = set(gone)
    return [root / moved.get(photo, photo) for photo in photos if photo not in lost]


def _inside(photo: Path, root: Path, place: Path) -> Path:
    inside = posixpath.relpath(posixpath.normpath(photo.as_posix()), posixpath.normpath(root.as_posix()))
    if inside.split("/")[0] == "..":
        raise RecycleError(f"{place}: photo {photo} is not in {root}", "move it inside, or pass its folder as --data")
    return root / inside
