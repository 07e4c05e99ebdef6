"""The photos that rows of a table name: by file name, without suffix, or by a folder and its beginning."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from recycle_coco import locate

from recycle_datasets.shapes import photos_among

SLICE_NUMBER = re.compile(r"_[\d.]+$")  # of slice_0000_266_266_1.50_1.50


class RowPhotos:
    """Where the photos lie that rows name.

    Args:
        root: the folder.
        photos: the photos below it, relative to it, with slashes.
    """

    def __init__(self, root: Path, photos: Iterable[str]) -> None:
        self._root = root
        self._known: dict[str, str] = {}
        self._called: dict[str, list[str]] = defaultdict(list)
        self._inside: dict[str, list[str]] = defaultdict(list)
        self._beginnings: dict[str, dict[str, list[str]]] = {}
        for place in photos:
            path = PurePosixPath(place)
            for name in {path.name, path.stem}:
                self._called[name].append(place)
            for folder in {*path.parts[:-1]}:
                self._inside[folder].append(place)

    def look_for(self, keys: Iterable[str], file: Path) -> None:
        """Look by other spellings for the photos that are not found by name, see `locate`.

        Args:
            keys: of the rows; behind the last `_` may be a class.
            file: that they are of, for messages.

        Raises:
            RecycleError: a key can mean several photos.
        """
        pairs = ((key, key.rpartition("_")[0]) for key in dict.fromkeys(keys))
        gone = [name for pair in pairs if not any(map(self.find, pair)) for name in pair if name]
        located = locate(self._root, gone)
        located.refuse_doubtful(file)
        taken = {*self._known.values()}
        self._known.update({name: place for name, place in located.found.items() if place not in taken})

    def find(self, key: str) -> str:
        """The only photo that a row's key means, none of a folder of masks where others are there; "" for none."""
        if key not in self._known:
            path = key.replace("\\", "/").strip("/")
            base = path.rpartition("/")[2]
            found: Sequence[str] = self._called.get(base) or self._glued(base)
            if len(found) > 1 and path != base:
                found = [place for place in found if f"/{place}".rpartition(base)[0].endswith(f"/{path[: -len(base)]}")]
            if len(found) > 1:
                found = photos_among(found)
            self._known[key] = found[0] if len(found) == 1 else ""
        return self._known[key]

    def _glued(self, key: str) -> Sequence[str]:
        """Photos of a key such as case1_day0_slice_0000 for case1_day0/scans/slice_0000_266_266_1.50_1.50.png."""
        for cut in reversed([found.start() for found in re.finditer("_", key)]):
            folder, rest = key[:cut], key[cut + 1 :]
            if folder not in self._inside:
                continue
            if folder not in self._beginnings:
                self._beginnings[folder] = _beginnings(self._inside[folder])
            if found := self._beginnings[folder].get(rest):
                return found
        return ()


def _beginnings(places: Iterable[str]) -> dict[str, list[str]]:
    """Names without suffix, and without numbers at their ends, to their photos; whole names go first."""
    whole, shortened = defaultdict(list), defaultdict(list)
    for place in places:
        stem = PurePosixPath(place).stem
        whole[stem].append(place)
        while found := SLICE_NUMBER.search(stem):
            stem = stem[: found.start()]
            shortened[stem].append(place)
    return {**shortened, **whole}
