"""What is named, or lies, where photos are meant, and is none: what to say of it."""

from __future__ import annotations

import logging
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from recycle_coco.archive import refuse_archive

from recyclecli.errors import RecycleError, join_limited
from recyclecli.home import expanded

log = logging.getLogger("recycle.engine")

VIDEO_SUFFIXES = frozenset(
    (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv", ".mts", ".m2ts", ".3gp")
)
LIST_SUFFIXES = frozenset({".txt", ".lst", ".list", ".csv", ".tsv"})


def refuse_other(place: Path) -> None:
    """Raise RecycleError where a place that was named is an archive, a video, a list of names or a stream."""
    name, folder = shlex.quote(str(place)), shlex.quote(place.name.partition(".")[0] or "photos")
    suffix = place.suffix.lower()
    if str(place) == "-":
        raise RecycleError(
            "- is standard input, and photos are not read from there",
            "save the photo as a file; names of photos, one a line, are read by --list -",
        )
    if re.match(r"(https?|ftp|s3|gs):/", str(place)):
        raise RecycleError(f"{place} is an address, and photos are read from files", "download it, and name the file")
    refuse_archive(place, "photos are read from files and folders")
    if not place.is_file():
        return
    if suffix in VIDEO_SUFFIXES:
        raise RecycleError(
            f"{place} is a video, and photos are read",
            f"mkdir {folder} && ffmpeg -i {name} {folder}/%06d.png, then name the folder {folder}",
        )
    if suffix in LIST_SUFFIXES:
        raise RecycleError(f"{place} is a text file, no photo", f"for the photos that it names: --list {name}")


def refuse_braces(pattern: Path) -> None:
    """Raise RecycleError for `*.{jpg,png}`, which shells write out and no pattern of Python's knows."""
    if re.search(r"\{[^{}]*,[^{}]*\}", str(pattern)) and not pattern.exists():
        raise RecycleError(
            f"{pattern}: braces stand for several patterns, and are written out by a shell alone",
            "leave out the quotes, or name each pattern",
        )


def spellings(name: str) -> Iterator[str]:
    """A path as it may be meant: without blanks, quotes or `file://`, in the home folder, with slashes."""
    plain = name.strip()
    if len(plain) > 1 and plain[0] == plain[-1] and plain[0] in "\"'":
        plain = plain[1:-1]
    plain = expanded(re.sub(r"^file:/+", "/", plain))
    yield plain
    yield plain.replace("\\", "/")


def meant_place(place: Path) -> Path | None:
    """A place that exists where only its spelling differs from one that does not, also in capital letters."""
    for text in spellings(str(place)):
        if (found := Path(text)).exists():
            return found
        if found.parent.is_dir() and found.name:
            alike = [one for one in found.parent.iterdir() if one.name.lower() == found.name.lower()]
            if len(alike) == 1:
                return alike[0]
    return None


def tell_other(files: Sequence[Path], images: Path) -> None:
    """Log how many files lie among photos and are none by their names."""
    kinds = Counter(file.suffix.lower() or "no suffix" for file in files)
    if files:
        counts = join_limited((f"{kind} {count}" for kind, count in kinds.most_common()), 5)
        what = "1 file that is no photo" if len(files) == 1 else f"{len(files):,} files that are no photos"
        log.warning(f"note: {images} holds {what}: {counts}, as {files[0]}")


def tell_locked(locked: Mapping[str, str]) -> None:
    """Log which folders could not be looked into."""
    for fault in list(locked.values())[:10]:
        log.warning(f"warning: {fault}")
