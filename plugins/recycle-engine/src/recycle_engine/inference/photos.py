"""Which photos are meant: a folder, a pattern, a COCO file, photos, a list of them."""

from __future__ import annotations

import csv
import glob
import logging
import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from recycle_coco import PHOTO_SUFFIXES, is_hidden, read_photo, resolve_file
from recycle_coco.document import PROVENANCE, load_content, provenance_fault
from recycle_coco.lookup import locate
from recycle_coco.once import warn_once
from recycle_coco.paths import UNREAD_SUFFIXES, walk
from recycle_coco.photo import more_pictures

from recycle_engine.inference.other_files import (
    meant_place,
    refuse_braces,
    refuse_other,
    spellings,
    tell_locked,
    tell_other,
)
from recycle_engine.inference.outputs import OUTPUTS
from recyclecli.errors import RecycleError, counted, join_limited

log = logging.getLogger("recycle.engine")

MAX_PATH = 4096  # characters of a listed line: no path is longer, but a row of a submission is


@dataclass(frozen=True, slots=True)
class InputPhoto:
    """A photo to predict.

    Attributes:
        file: where it is.
        name: that it goes by in a submission.
        size: height and width in pixels, where they are stated; they decide on the EXIF rotation.
        shows: names of other photos that it is made of.
    """

    file: Path
    name: str
    size: tuple[int, int] | None = None
    shows: frozenset[str] = frozenset()

    @property
    def version(self) -> tuple[int, int] | None:
        """Bytes and time of change (ns) of its file, by which a changed photo is known; None where it is missing."""
        try:
            found = self.file.stat()
        except OSError:
            return None
        return found.st_size, found.st_mtime_ns

    def read(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB; RecycleError where that cannot be done."""
        pixels = read_photo(self.file, *(self.size or ()))
        warn_once(log, more_pictures(self.file))
        return pixels


def find_photos(
    images: Path | Sequence[Path], root: Path | None = None, locked: dict[str, str] | None = None
) -> list[InputPhoto]:
    """The photos of a folder and its subfolders, of a pattern, of a COCO file (in its order), one photo, or of several.

    What `predict` wrote there earlier is left out. Those of a folder, of a pattern and of several places come in the
    order of their names, numbers by their value, so that frame 10 of a video follows frame 9. Names are relative
    to the folder or to the pattern's fixed part; of several places to the folder that holds them all. Dead links and
    pictures of other formats are photos, too, which cannot be read. Files that are no photos are counted in the log.

    Args:
        images: folder, pattern as `photos/*.jpg`, COCO .json or photo; or several of them, without a COCO file.
        root: the folder that a COCO file's names are relative to; its own when left out.
        locked: gets the folders that may not be entered, with what is wrong; they are logged without it.

    Raises:
        RecycleError: nothing is there, or it is an archive, a video or a list.
    """
    places = [images] if isinstance(images, Path) else list(images)
    closed: dict[str, str] = {} if locked is None else locked
    if len(places) == 1:
        found = _found(places[0], root, closed)
    else:
        if lists := [place for place in places if place.suffix.lower() == ".json" and place.is_file()]:
            raise RecycleError(f"{lists[0]} is a COCO file, and others are named beside it", "name it alone")
        every = dict.fromkeys(photo.file.absolute() for place in places for photo in _found(place, None, closed))
        top = Path(os.path.commonpath([file.parent for file in every])) if every else Path()
        found = _named(list(every), top, Path(f"these {len(places)} places"))
    if locked is None:
        tell_locked(closed)
    return found


def listed_photos(lines: Iterable[str], root: Path | None, folder: Path) -> list[InputPhoto]:
    """The photos that lines of a text name, in their order.

    Their names are the lines, without quotes and with slashes where they are found so alone; where one of these is
    absolute or climbs, all are relative to the folder that holds all.

    Args:
        lines: paths, relative to `root`, or without one to the current folder, else to `folder`.
        root: see there.
        folder: of the list.

    A table is read by the column that names photos, with or without a heading.

    Raises:
        RecycleError: no line names a photo.
    """
    every = [line.lstrip("\ufeff").strip("\r\n")[:MAX_PATH] for line in lines if line.strip()]
    names = list(dict.fromkeys(every))
    if not names:
        raise RecycleError("the list names no photos", "write one path a line")
    roots = [root] if root else [Path(), folder]
    names = _column(names, roots) or names
    if again := len(every) - len(set(every)):
        warn_once(log, f"note: {counted(again, 'line')} of the list left out, which an earlier one equals")
    places = [_place(name, roots) for name in names]
    files, plain = [file for file, _ in places], [Path(name).as_posix() for _, name in places]
    if any(name.startswith(("/", "../")) or "/../" in name or Path(name).is_absolute() for name in plain):
        top = os.path.commonpath([file.absolute().parent for file in files])
        plain = [Path(os.path.relpath(file.absolute(), top)).as_posix() for file in files]
    return [InputPhoto(file, name) for file, name in zip(files, plain, strict=True)]


def _column(lines: Sequence[str], roots: Sequence[Path]) -> list[str]:
    """The column of a table that names photos, where the lines are one; what does not exist may be its heading."""
    known = [_is_there(_place(line, roots)[0]) for line in lines[:2]]
    if known == [False, True] and not Path(lines[0]).suffix:
        warn_once(log, f"note: the first line of the list, {lines[0]!r}, is taken for a heading")
        return list(lines[1:])
    if any(_is_there(_place(line, roots)[0]) for line in lines):
        return []
    for mark in ",;\t":
        try:
            rows = [row for row in csv.reader(lines, delimiter=mark, skipinitialspace=True) if any(row)]
        except csv.Error:
            continue
        for column in range(min(map(len, rows), default=0)):
            names = [row[column].strip() for row in rows]
            there = [bool(name) and _is_there(_place(name, roots)[0]) for name in names]
            if any(there):
                heading = not there[0] and len(names) > 1 and not Path(names[0]).suffix
                which = f"column {names[0]!r}" if heading else f"column {column + 1}"
                warn_once(log, f"note: the list is a table, whose {which} names the photos")
                return list(dict.fromkeys(names[heading:]))
    return []


def _place(name: str, roots: Sequence[Path]) -> tuple[Path, str]:
    """Where a listed photo is, and its name so spelled: of several the first that exists, else the first."""
    tried = [(root / text, text) for root in roots for text in (name, *spellings(name))]
    return next((one for one in tried if _is_there(one[0])), tried[0])


def _is_there(file: Path) -> bool:
    """Whether a file is there, also by a name that is too long for any."""
    with suppress(OSError):
        return file.exists()
    return False


def _found(images: Path, root: Path | None, locked: dict[str, str]) -> list[InputPhoto]:
    """See `find_photos`, of one place."""
    if images.is_file() and images.suffix.lower() == ".json":
        return _listed(images, root_of(images, root))
    refuse_other(images)
    if images.is_file():
        return _named([images], images.parent, images)
    if images.is_dir() or glob.has_magic(str(images)):
        top = root_of(images)
        if images.is_dir():
            found = list(_below(top, locked))
        else:
            refuse_braces(images)
            if not top.is_dir():
                raise RecycleError(f"{images}: {top} does not exist", "correct the folder before the pattern")
            pattern = images.relative_to(top)
            if pattern.name == "**":  # folders alone for Python, every file for shells and people
                pattern /= "*"
            _note_locked(top, len(pattern.parts) if "**" not in pattern.parts else sys.maxsize, locked)
            found = [file for file in top.glob(str(pattern)) if not file.is_dir()]
        files = [file for file in found if file.suffix.lower() in PHOTO_SUFFIXES | UNREAD_SUFFIXES]
        if hidden := {file for file in files if any(map(is_hidden, file.relative_to(top).parts))}:
            warn_once(
                log,
                f"note: {counted(len(hidden), 'hidden file')} left out: {join_limited(map(str, sorted(hidden)), 3)}",
            )
            files = [file for file in files if file not in hidden]
            found = [file for file in found if file not in hidden]
        folders = {folder for file in files for folder in file.relative_to(top).parents if folder.name in OUTPUTS}
        written = {top / folder for folder in folders if any((top / folder.parent).glob("predicted.json*"))}
        tell_other(sorted(set(found) - set(files)), images)
        photos = [file for file in files if written.isdisjoint(file.parents)]
        if masks := len(files) - len(photos):
            warn_once(
                log,
                f"note: {counted(masks, 'file')} of an earlier prediction left out: {join_limited(sorted(written), 3)}",
            )
        return _named(photos, top, images)
    if images.is_symlink():
        return _named([images], images.parent, images)  # a dead link: reading it says where it leads
    advice = "name a folder of photos, a pattern, a COCO file or photos"
    if meant := meant_place(images):
        advice = f"if this one is meant, name it: {shlex.quote(str(meant))}"
    raise RecycleError(f"{images} does not exist", advice)


def _listed(file: Path, root: Path) -> list[InputPhoto]:
    """The photos of a COCO file; what it says of objects counts only for what photos are made of."""
    content = load_content(file, ("images",))
    shows: dict[Any, set[str]] = {image["id"]: set() for image in content["images"]}
    annotations = content.get("annotations")
    parts = [one for one in annotations if isinstance(one, dict)] if isinstance(annotations, list) else []
    pairs = [*((image["id"], image) for image in content["images"]), *((one.get("image_id"), one) for one in parts)]
    for identity, entry in pairs:
        if isinstance(identity, (int, str)) and identity in shows and provenance_fault(entry) is None:
            shows[identity].update(origin["file_name"] for origin in entry.get(PROVENANCE, ()))
    places = locate(root, [image["file_name"] for image in content["images"]])
    places.refuse_doubtful(file)
    warn_once(log, places.note(file, len(content["images"])))
    return [
        InputPhoto(
            resolve_file(root, places.found.get(image["file_name"], image["file_name"])),
            image["file_name"],
            (image["height"], image["width"]),
            frozenset(shows[image["id"]]),
        )
        for image in content["images"]
    ]


def _below(top: Path, locked: dict[str, str]) -> Iterator[Path]:
    """Every file below a folder, also in folders elsewhere that links lead to, each folder once."""
    own = top.resolve()
    seen: set[Path] = set()
    for folder, folders, files in walk(top, partial(_lock, top, locked), followlinks=True):
        for name in sorted(folders):
            place = (folder / name).resolve()
            if place in seen or ((folder / name).is_symlink() and own in (place, *place.parents)):
                folders.remove(name)  # it is come to without the link
            else:
                seen.add(place)
        yield from (folder / name for name in files)


def _note_locked(top: Path, depth: int, locked: dict[str, str]) -> None:
    """Find the folders that a pattern of so many parts would look into and may not."""
    for folder, folders, _ in walk(top, partial(_lock, top, locked)):
        if len(folder.relative_to(top).parts) + 1 >= depth:
            folders.clear()


def _lock(top: Path, locked: dict[str, str], error: OSError) -> None:
    """Note a folder that `os.walk` could not read."""
    folder = Path(error.filename)
    cause = f"folder {folder} cannot be looked into: {error.strerror}; its photos are left out"
    locked[f"{os.path.relpath(folder, top)}/"] = cause


def root_of(images: Path, root: Path | None = None) -> Path:
    """The folder that the names which `find_photos` gives are relative to."""
    if images.is_dir():
        return images
    if images.is_file():
        return (root or images.parent) if images.suffix.lower() == ".json" else images.parent
    first = next((place for place, part in enumerate(images.parts) if glob.has_magic(part)), len(images.parts))
    return Path(*images.parts[:first])


def _named(files: Sequence[Path], top: Path, images: Path) -> list[InputPhoto]:
    """The files in the order of their names, by their paths below `top`."""
    unwritable = [file for file in files if any("\udc80" <= letter <= "\udcff" for letter in str(file))]
    if unwritable:
        raise RecycleError(f"{counted(len(unwritable), 'file name')} not in UTF-8, as {str(unwritable[0])!a}", _spell())
    if not files:
        raise RecycleError(f"{images} holds no photos", f"photos end in {join_limited(sorted(PHOTO_SUFFIXES), 9)}")
    names = sorted((file.relative_to(top).as_posix() for file in files), key=_numbers_by_value)
    return [InputPhoto(top / name, name) for name in names]


def _spell() -> str:
    """What helps names that are no UTF-8: they may be, where Python was told to read others."""
    return (
        "rename them" if sys.getfilesystemencoding() == "utf-8" else "type the command again after: export PYTHONUTF8=1"
    )


def _numbers_by_value(name: str) -> list[tuple[bool, int, str]]:
    parts = re.split(r"(\d+)", name)
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]
