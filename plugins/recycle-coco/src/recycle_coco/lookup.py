"""Photos that do not lie where `file_name` says: the same photo by another spelling of its name, inside the root."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from recycle_coco.paths import PHOTO_SUFFIXES, is_hidden, resolve_file, walk
from recycle_coco.suffix_index import Endings
from recyclecli.errors import RecycleError, join_limited

UPLOAD_PREFIX = re.compile(r"^[0-9a-f]{8}-(?=.)")  # what Label Studio puts before the name of an uploaded photo
LOCAL_FILES_QUERY = re.compile(r"[?&]d=([^&]+)")  # of Label Studio's /data/local-files/?d=photos/1.jpg
SERVER = re.compile(r"^[A-Za-z][\w+.-]+://[^/]*/")


@dataclass(frozen=True, slots=True)
class Located:
    """Where photos lie whose names are not those of files.

    Attributes:
        found: file_name to the only photo that it can mean, relative to the root.
        doubtful: file_name to several photos that it can mean.
    """

    found: Mapping[str, str]
    doubtful: Mapping[str, Sequence[str]]

    def rename(self, images: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """COCO images with the names of the photos that were found."""
        return [{**image, "file_name": self.found.get(image["file_name"], image["file_name"])} for image in images]

    def refuse_doubtful(self, file: Path) -> None:
        """Raise RecycleError where a name can mean several photos."""
        for name, places in self.doubtful.items():
            raise RecycleError(
                f"{file}: file_name {name!r} is no file, and {len(places)} photos have that name: "
                f"{join_limited(places)}",
                "write the one that is meant into the annotation file, or move the other out of the folder",
            )

    def note(self, file: Path, total: int) -> str:
        """What was found, in one line; empty where every photo lies where its name says."""
        if not self.found:
            return ""
        name, place = next(iter(self.found.items()))
        count = f"{len(self.found)} of {total} photos do" if len(self.found) > 1 else f"1 of {total} photos does"
        return f"note: {file}: {count} not lie where file_name says, and found by name: {name!r} is {place}"


def locate(root: Path, names: Iterable[str]) -> Located:
    """Look for photos that are not at `root / name`: by slash and Unicode form, percent escapes, prefix and basename.

    Where no photo has the name in its letters, small and capital ones are not told apart (`1.jpg` is `1.JPG`).

    A photo that another name means is none to be found, and of several candidates the one whose folders agree best
    is meant. Nothing outside the root is looked at.
    """
    listings: dict[str, frozenset[str]] = {}
    wanted, taken = [], set()
    for name in dict.fromkeys(names):
        place = _inside(root, name)
        if place is not None and _is_there(root, place, listings):
            taken.add(place)
        else:
            wanted.append(name)
    if not wanted:
        return Located({}, {})
    photos = _Photos(root, taken)
    candidates = {name: photos.meant(name) for name in wanted}
    found = {name: places[0] for name, places in candidates.items() if len(places) == 1}
    times = Counter(found.values())
    doubtful = {name: places for name, places in candidates.items() if len(places) > 1}
    return Located({name: place for name, place in found.items() if times[place] == 1}, doubtful)


def _inside(root: Path, name: str) -> str | None:
    try:
        return resolve_file(root, name).relative_to(root).as_posix()
    except RecycleError:
        return None


def _is_there(root: Path, place: str, listings: dict[str, frozenset[str]]) -> bool:
    """Whether a file is there; each folder is listed once."""
    folder, _, base = place.rpartition("/")
    if folder not in listings:
        try:
            listings[folder] = frozenset(place.name for place in (root / folder).iterdir())
        except (OSError, ValueError):  # no folder, or a name that none can have
            listings[folder] = frozenset()
    return base in listings[folder]


class _Photos:
    """The photos below `root` that are not taken, by their names in Unicode's composed form."""

    def __init__(self, root: Path, taken: set[str]) -> None:
        small, stored, composed = defaultdict(list), defaultdict(list), []
        for folder, folders, files in walk(root):
            folders[:] = sorted(name for name in folders if not is_hidden(name))
            for name in sorted(files):
                place = (folder / name).relative_to(root).as_posix()
                if not is_hidden(name) and Path(name).suffix.lower() in PHOTO_SUFFIXES and place not in taken:
                    small[_composed(name).casefold()].append(place)
                    stored[_stored(name)].append(place)
                    composed.append((_composed(place), place))
        self._endings = Endings(composed)
        self._small, self._stored = ({name: tuple(found) for name, found in by.items()} for by in (small, stored))

    def meant(self, name: str) -> tuple[str, ...]:
        """The photos that a name can mean, by its first reading that means any."""
        for reading in dict.fromkeys(_readings(name)):
            parts = [part for part in _composed(reading).split("/") if part not in ("", ".", "..")]
            found = self._endings.best(parts) or self._small.get("".join(parts[-1:]).casefold(), ())
            if found:
                return found
        bases = (reading.rpartition("/")[2].casefold() for reading in _readings(name))
        return next((found for base in bases if (found := self._stored.get(base, ()))), ())


def _readings(name: str) -> Iterator[str]:
    plain = name.replace("\\", "/")
    local = LOCAL_FILES_QUERY.search(plain)
    spelled = [local[1]] if local else []
    spelled += [plain, SERVER.sub("", plain).partition("?")[0]]
    spelled += [unquote(text) for text in spelled]
    yield from spelled
    for text in spelled:
        folder, slash, base = text.rpartition("/")
        yield folder + slash + UPLOAD_PREFIX.sub("", base)


def _stored(name: str) -> str:
    """What Django, as in Label Studio, makes of an uploaded name, in small letters: `a_b_1.jpg` of `A b (1).jpg`."""
    return re.sub(r"(?u)[^-\w.]", "", _composed(name).strip().replace(" ", "_")).casefold()


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
