"""Faults of the photos themselves, and photos that are there twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recyclecli.coco.paths import resolve_file
from recyclecli.coco.photo import open_photo
from recyclecli.data.check.catalogue import Finding
from recyclecli.data.duplicates import digest, earlier_like, in_threads, perceptual_hash
from recyclecli.errors import RecycleError
from recyclecli.progress import track


@dataclass(frozen=True, slots=True)
class Look:
    """What one photo shows.

    Attributes:
        name: its file_name.
        faults: (code, detail) of what is wrong with the file.
        digest, hash: of its pixels; None when it cannot be read.
    """

    name: str
    faults: tuple[tuple[str, str], ...]
    digest: str | None = None
    hash: int | None = None


def lint_photos(root: Path, contents: Mapping[str, dict[str, Any]], splits: Mapping[str, str]) -> Iterator[Finding]:
    """Read every photo once; `splits` says which split a file_name is of."""
    images = {image["file_name"]: image for content in contents.values() for image in content["images"]}
    looks = []
    work = track(images.values(), len(images), "reading photos")
    for look in in_threads(lambda image: _look(root, image), work):
        for code, detail in look.faults:
            yield Finding(code, str(root / look.name), f"image {images[look.name]['id']} {look.name!r}", detail)
        if look.hash is not None:
            looks.append(look)
    yield from _doubled(root, looks, splits)


def _look(root: Path, image: Mapping[str, Any]) -> Look:
    name = image["file_name"]
    try:
        file = resolve_file(root, name)
    except RecycleError:
        return Look(name, ())  # said by `lint_lists`
    if not file.is_file():
        return Look(name, (("missing-photo", f"{file} does not exist"),))
    try:
        with open_photo(file) as (photo, orientation):
            faults = tuple(_size_faults(photo.size, (image["width"], image["height"]), orientation))
            photo.load()
            return Look(name, faults, digest(photo), perceptual_hash(photo))
    except RecycleError as error:
        return Look(name, (("unreadable-photo", str(error.args[0])),))


def _size_faults(stored: tuple[int, int], stated: tuple[int, int], orientation: int) -> Iterator[tuple[str, str]]:
    turned = stored[::-1] if orientation >= 5 else stored
    if stated not in (stored, turned):
        yield "photo-size", f"the file has {stored[0]}x{stored[1]} pixels, stated are {stated[0]}x{stated[1]}"
    elif turned != stored and stated == stored:
        yield "exif-ignored", f"EXIF orientation {orientation} makes it {turned[0]}x{turned[1]}, stated as stored"
    elif orientation > 1 and turned == stored:
        yield "exif-ambiguous", f"EXIF orientation {orientation} of a photo whose size it does not change"


def _doubled(root: Path, looks: list[Look], splits: Mapping[str, str]) -> Iterator[Finding]:
    """Same and similar photos; across splits first, as that is the worse."""
    sides = [splits.get(look.name, "") for look in looks]
    hashes = [look.hash for look in looks if look.hash is not None]
    across = earlier_like(hashes, sides) if len(set(sides)) > 1 else [None] * len(looks)
    within = earlier_like(hashes)
    places: dict[str | None, list[int]] = defaultdict(list)
    for number, look in enumerate(looks):
        same = places[look.digest]
        other = next((k for k in same if sides[k] != sides[number]), None)
        same.append(number)
        candidates = {
            "duplicate-across-splits": other,
            "duplicate-photo": same[0] if len(same) > 1 else None,
            "near-duplicate-across-splits": across[number],
            "near-duplicate-photo": within[number],
        }
        for code, like in candidates.items():
            if like is not None:
                side = f" of {sides[like]}" if sides[like] else ""
                yield Finding(code, str(root / look.name), repr(look.name), f"like {looks[like].name!r}{side}")
                break
