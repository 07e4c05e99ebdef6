"""What all formats share: reading labels without photos, and copying photos byte for byte."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from recycle_coco import PHOTO_SUFFIXES, photo_size, read_photo
from recycle_coco.paths import below

from recycle_data.coco_folder import write_photo
from recycle_data.owned import Owned
from recycle_data.progress import track
from recyclecli.errors import RecycleError, join_limited
from recyclecli.files import unwritable
from recyclecli.types import Record, Source

IMAGES = "images"  # folder of the photos


def read_records(source: Source) -> list[Record]:
    """The records of all photos, with names that can be written.

    Raises:
        RecycleError: two photos of one name, or a name that is no text.
    """
    records = [source.record(index) for index in track(range(len(source)), len(source), "looking at photos")]
    taken: set[str] = set()
    for record in records:
        name = inside(record)
        if name in taken:
            raise RecycleError(f"two photos are called {name!r}", "rename one of them")
        taken.add(name)
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise RecycleError(f"file name {name!r} is no UTF-8 text", "rename the file") from error
    return records


def inside(record: Record) -> str:
    """A photo's name relative to the root, in its plainest form."""
    return os.path.normpath(record.file_name)


def place_photos(records: Sequence[Record], dst: Path, labels: str, suffix: str) -> list[tuple[Path, Path]]:
    """Where each photo and its label file go: `images/NAME` and `labels/NAME` with another suffix.

    Folders are kept; a leading `images/` is not doubled. As ultralytics looks for label files,
    the last folder called `images` is the one that is replaced.

    Raises:
        RecycleError: two photos would share a photo's or label's name, a photo that would not be
            found again, or other photos in the folder, which would join the set.
    """
    places = []
    taken: dict[Path, str] = {}
    for record in records:
        name = Path(inside(record))
        if name.suffix.lower() not in PHOTO_SUFFIXES:
            raise RecycleError(
                f"photo {record.file_name!r} would not be found again by its name",
                f"rename it to end in one of {', '.join(sorted(PHOTO_SUFFIXES))}",
            )
        parts = name.parts if name.parts[0] == IMAGES and len(name.parts) > 1 else (IMAGES, *name.parts)
        last = max(number for number, part in enumerate(parts[:-1]) if part == IMAGES)
        label = dst.joinpath(*parts[:last], labels, *parts[last + 1 :]).with_suffix(suffix)
        photo = dst.joinpath(*parts)
        if label in taken:
            raise RecycleError(
                f"photos {taken[label]!r} and {record.file_name!r} would share the label file {label}",
                "rename one of them",
            )
        taken[label] = record.file_name
        places.append((photo, label))
    _refuse_strays(dst / IMAGES, {photo for photo, _ in places})
    return places


def _refuse_strays(folder: Path, known: set[Path]) -> None:
    found = (file for file in below(folder) if file.suffix.lower() in PHOTO_SUFFIXES and file not in known)
    strays = [str(file.relative_to(folder)) for file in found if file.is_file()]
    if strays:
        raise RecycleError(
            f"{folder} holds other photos, which would join the set: {join_limited(sorted(strays))}",
            "convert to an empty folder",
        )


def copy_photo(owned: Owned, source: Source, index: int, record: Record, target: Path) -> None:
    """The photo's file byte for byte; where a source has none, what it reads is written.

    Raises:
        RecycleError: missing, or of another size than its labels.
    """
    if not record.file.is_file():
        return write_photo(owned, target, source.read(index).image)
    if photo_size(record.file) != (record.height, record.width):
        read_photo(record.file, record.height, record.width)  # fits without the EXIF rotation, or raises
    if not is_own(target, record):
        with owned.atomic_path(target) as part:
            shutil.copyfile(record.file, part)
    return None


def put_photo(owned: Owned, source: Source, index: int, record: Record, target: Path, link: bool) -> None:
    """As `copy_photo`, or a link to the photo's file, where there is one, in the place of a copy of ours."""
    if not link or not record.file.is_file():
        return copy_photo(owned, source, index, record, target)
    if not is_own(target, record):
        owned.remove([target])
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(record.file.resolve())
        except OSError as error:
            raise unwritable(target, error) from error  # else the photo would be named
    return None


def to_write(places: Sequence[Path], records: Sequence[Record], link: bool = False) -> list[Path]:
    """The photos to write: those of `places` that are not the source's own files, or with `link` links to them.

    Raises:
        RecycleError: a copy is to be written, and a link to the photo is there.
    """
    pairs = [*zip(places, records, strict=True)]
    own = {place for place, record in pairs if is_own(place, record)}
    for place, record in pairs if not link else ():
        if place in own and _is_elsewhere(place, record):
            raise RecycleError(
                f"{place} is a link to the photo, and a copy would stand in its place",
                "name another folder, or keep the links: --link, of data import and data merge",
            )
    return [place for place in places if place not in own]


def is_own(place: Path, record: Record) -> bool:
    """Whether a place is the file of the source's photo, or a link to it."""
    return place.exists() and record.file.exists() and place.samefile(record.file)


def _is_elsewhere(place: Path, record: Record) -> bool:
    """Whether a link stands in a place that is not where the source has its photo: no copy of it."""
    return place.is_symlink() and place.parent.resolve() / place.name != record.file.parent.resolve() / record.file.name
