"""Photos in the folders where a labelling tool puts them, before they are looked for by name anywhere."""

from collections.abc import Iterable
from functools import cached_property
from pathlib import PurePosixPath


class PhotoIndex:
    """The photos below a folder, by folder and name.

    Args:
        photos: their names, with slashes.
    """

    def __init__(self, photos: Iterable[str]) -> None:
        self._there = frozenset(photos)
        self._stems: dict[str, list[str]] = {}
        for name in self._there:
            self._stems.setdefault(PurePosixPath(name).with_suffix("").as_posix(), []).append(name)

    def exact(self, folders: Iterable[PurePosixPath], name: str) -> str:
        """The photo of that name in the first folder that has one; "" for none."""
        places = ((folder / name).as_posix() for folder in folders)
        return next((place for place in places if place in self._there), "")

    def by_stem(self, folders: Iterable[PurePosixPath], stem: str) -> str:
        """The only photo of that name, whatever its suffix, in the first folder that has one; "" for none."""
        found = (self._stems.get((folder / stem).as_posix(), []) for folder in folders)
        return next((places[0] for places in found if len(places) == 1), "")

    def exact_base(self, base: str) -> str:
        """The only photo of that name, whatever its folder; "" for none, or several."""
        stem = PurePosixPath(base).stem
        found = [place for place in self._anywhere.get(stem, []) if PurePosixPath(place).name == base]
        return found[0] if len(found) == 1 else ""

    def by_any_stem(self, stem: str) -> str:
        """The only photo of that name, whatever its folder and its suffix; "" for none, or several."""
        found = self._anywhere.get(stem, [])
        return found[0] if len(found) == 1 else ""

    @cached_property
    def _anywhere(self) -> dict[str, list[str]]:
        stems: dict[str, list[str]] = {}
        for name in self._there:
            stems.setdefault(PurePosixPath(name).stem, []).append(name)
        return stems
