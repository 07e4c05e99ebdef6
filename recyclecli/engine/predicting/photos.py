"""Which photos are meant: a folder, a pattern, a COCO file, one photo."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recyclecli.coco import PHOTO_SUFFIXES, is_hidden, read_photo, resolve_file
from recyclecli.coco.document import PROVENANCE, load_content, provenance_fault
from recyclecli.coco.lookup import locate
from recyclecli.coco.photo import HEIC_REMEDY, HEIC_SUFFIXES
from recyclecli.console import say_once
from recyclecli.engine.predicting.pictures import OUTPUTS
from recyclecli.errors import RecycleError, listed


@dataclass(frozen=True, slots=True)
class Photo:
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
        return read_photo(self.file, *(self.size or ()))


def find_photos(images: Path, root: Path | None = None) -> list[Photo]:
    """The photos of a folder and its subfolders, of a pattern, of a COCO file (in its order), or one photo.

    What `predict` wrote there earlier is left out. Those of a folder or a pattern come in the order of their
    names, numbers by their value, so that frame 10 of a video follows frame 9.

    Args:
        images: folder, pattern as `photos/*.jpg`, COCO .json or photo.
        root: the folder that a COCO file's names are relative to; its own when left out.

    Raises:
        RecycleError: nothing is there.
    """
    if images.is_file() and images.suffix.lower() == ".json":
        return _listed(images, root_of(images, root))
    if images.is_file():
        return _named([images], images.parent, images)
    if images.is_dir() or glob.has_magic(str(images)):
        top = root_of(images)
        found = list(_below(top) if images.is_dir() else top.glob(str(images.relative_to(top))))
        photos = [file for file in found if file.suffix.lower() in PHOTO_SUFFIXES and file.is_file()]
        files = [file for file in photos if not any(map(is_hidden, file.relative_to(top).parts))]
        if hidden := [str(file) for file in photos if file not in set(files)]:
            say_once(f"note: {len(hidden)} hidden file(s) are left out: {listed(sorted(hidden), 3)}")
        if heic := [str(file) for file in found if file.suffix.lower() in HEIC_SUFFIXES]:
            say_once(f"note: {len(heic)} HEIC or AVIF photo(s) are left out: {listed(sorted(heic), 3)}; {HEIC_REMEDY}")
        folders = {folder for file in files for folder in file.relative_to(top).parents if folder.name in OUTPUTS}
        written = {top / folder for folder in folders if any((top / folder.parent).glob("predicted.json*"))}
        return _named([file for file in files if written.isdisjoint(file.parents)], top, images)
    raise RecycleError(f"{images} does not exist", "name a folder of photos, a pattern, a COCO file or a photo")


def _listed(file: Path, root: Path) -> list[Photo]:
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
    say_once(places.note(file, len(content["images"])))
    return [
        Photo(
            resolve_file(root, places.found.get(image["file_name"], image["file_name"])),
            image["file_name"],
            (image["height"], image["width"]),
            frozenset(shows[image["id"]]),
        )
        for image in content["images"]
    ]


def _below(top: Path) -> Iterator[Path]:
    """Every file below a folder, also in folders elsewhere that links lead to, each folder once."""
    own = top.resolve()
    seen: set[Path] = set()
    for folder, folders, files in os.walk(top, followlinks=True):
        for name in sorted(folders):
            place = Path(folder, name).resolve()
            if place in seen or (Path(folder, name).is_symlink() and own in (place, *place.parents)):
                folders.remove(name)  # it is come to without the link
            else:
                seen.add(place)
        yield from (Path(folder, name) for name in files)


def root_of(images: Path, root: Path | None = None) -> Path:
    """The folder that the names which `find_photos` gives are relative to."""
    if images.is_dir():
        return images
    if images.is_file():
        return (root or images.parent) if images.suffix.lower() == ".json" else images.parent
    first = next((place for place, part in enumerate(images.parts) if glob.has_magic(part)), len(images.parts))
    return Path(*images.parts[:first])


def _named(files: Sequence[Path], top: Path, images: Path) -> list[Photo]:
    """The files in the order of their names, by their paths below `top`."""
    unwritable = [file for file in files if any("\udc80" <= letter <= "\udcff" for letter in str(file))]
    if unwritable:
        raise RecycleError(f"{len(unwritable)} file name(s) are no UTF-8, as {unwritable[0]!a}", "rename them")
    if not files:
        raise RecycleError(f"{images} holds no photos", f"photos end in {listed(sorted(PHOTO_SUFFIXES), 9)}")
    names = sorted((file.relative_to(top).as_posix() for file in files), key=_numbers_by_value)
    return [Photo(top / name, name) for name in names]


def _numbers_by_value(name: str) -> list[tuple[bool, int, str]]:
    parts = re.split(r"(\d+)", name)
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]
