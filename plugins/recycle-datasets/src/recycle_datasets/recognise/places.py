"""Where the photos of an annotation file lie, and which split it is of, by names alone."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from recycle_coco import split_called
from recycle_coco.suffix_index import SUFFIX_PARTS, Endings

DERIVED = frozenset(
    {
        *("masks", "mask", "labels", "label", "annotations", "sem_seg", "semseg", "segmentationclass"),
        *("visualization", "visualizations", "visualisation", "vis", "viz", "overlay", "overlays"),
        *("preview", "previews", "thumbs", "thumbnails", "predictions", "segmentationclassvisualization"),
    }
)
"""Folders of pictures that are made of photos and called as they are."""
PHOTO_FOLDER_NAMES = frozenset({"images", "image", "imgs", "img", "photos", "data", "jpegimages"})
UPLOADED_PHOTO = re.compile(r"^[0-9a-f]{8}(?:-|__)(?=.)")  # what Label Studio puts before the name of a photo
MAX_WEIGHED_PAIRS = 2**21  # names with photos that they can mean, up to which folders are weighed for each of them
MAX_WEIGHED_MEANINGS = 16  # photos that a name can mean, up to which they are weighed for any number of names


@dataclass(frozen=True, slots=True)
class Placed:
    """Where photos lie.

    Attributes:
        found: name in the annotation file to photo.
        doubtful: name to the photos that it can mean, where it can mean several.
    """

    found: Mapping[str, str]
    doubtful: Mapping[str, Sequence[str]]


class PhotoFinder:
    """Finds photos by the names that annotation files have for them.

    Args:
        photos: their names relative to the root, with slashes.

    Attributes:
        photos: these.
    """

    def __init__(self, photos: Iterable[str]) -> None:
        self.photos = tuple(photos)
        self._endings = Endings((_folded(photo), photo) for photo in self.photos)
        self._bare: dict[str, list[str]] | None = None

    def find(self, names: Iterable[str], file: str) -> Placed:
        """The photos of an annotation file.

        A name means the photo whose path ends in it. Of several the one is meant that lies in a folder called as the
        file or its split, below the file, or in the folder that has most of the names. Where no photo ends in any of
        the names with its folders, their last parts count, the suffix, or what a labelling tool puts before the name.

        Args:
            names: as the file has them.
            file: its own name relative to the root.
        """
        plain = {name: _plain(name) for name in dict.fromkeys(names)}
        whole = {name: photos for name, parts in plain.items() if parts and (photos := self._endings.whole(parts))}
        found, doubtful = _decided(whole, plain, file)
        folders_count = any(len(plain[name]) > 1 for name in whole)
        rest = [name for name, parts in plain.items() if name not in whole and parts]
        if rest and not (folders_count and len(whole) * 2 > len(plain)):
            taken = {*found.values(), *(photo for photos in doubtful.values() for photo in photos)}
            free: dict[str, list[str]] = {}
            loose = {name: others for name in rest if (others := self._alike(plain[name], taken, free))}
            more, unclear = _decided(loose, plain, file)
            times = Counter(more.values())
            found |= {name: photo for name, photo in more.items() if times[photo] == 1}
            doubtful |= unclear
        return Placed(found, doubtful)

    def _alike(self, parts: Sequence[str], taken: Collection[str], free: dict[str, list[str]]) -> list[str]:
        """The photos of that name in other folders, else with another suffix or with what a tool puts before it.

        Args:
            parts: of the name.
            taken: photos that other names mean.
            free: photos that are not taken, by what was asked for; filled here.
        """
        if self._bare is None:
            self._bare = defaultdict(list)
            for photo in self.photos:
                base = _folded(photo.rpartition("/")[2])
                for key in {base, bare(base)}:
                    self._bare[key].append(photo)
                    self._bare[key.rpartition(".")[0]].append(photo)
        base = parts[-1]
        for count in range(min(len(parts), SUFFIX_PARTS), 0, -1):
            ending = "/".join(parts[-count:])
            if ending not in free:
                free[ending] = [photo for photo in self._endings.whole(parts[-count:]) if photo not in taken]
            if free[ending]:
                return free[ending]
        for key in filter(None, (base, base.rpartition(".")[0])):
            asked = f"/{key}/{key == base}"  # no ending begins with a slash
            if asked not in free:
                photos = [photo for photo in dict.fromkeys(self._bare.get(key, ())) if photo not in taken]
                derived = {photo for photo in photos if _is_derived(_folded(photo).split("/")[:-1])}
                free[asked] = photos if key == base else [photo for photo in photos if photo not in derived]
            if free[asked]:
                return free[asked]
        return []


def bare(name: str) -> str:
    """A name without what Label Studio puts before it."""
    return UPLOADED_PHOTO.sub("", name)


def split_of(file: str) -> str:
    """The split that an annotation file is of, by a word of its name (`instances_train2017.json`) or its folders."""
    path = PurePosixPath(file)
    words = re.findall(r"[a-z]+", path.stem.lower())
    splits = {split for word in words if (split := split_called(word))}
    if "all" in words:  # train_all.json is a whole set
        return ""
    if len(splits) == 1:
        return splits.pop()
    return next((split for part in reversed(path.parts[:-1]) if (split := split_called(part.rstrip("0123456789")))), "")


def _decided(
    candidates: Mapping[str, Sequence[str]], plain: Mapping[str, Sequence[str]], file: str
) -> tuple[dict[str, str], dict[str, Sequence[str]]]:
    """Of several photos that a name can mean the one whose folder fits the file best."""
    found: dict[str, str] = {}
    doubtful: dict[str, Sequence[str]] = {}
    if sum(map(len, candidates.values())) > MAX_WEIGHED_PAIRS:
        doubtful = {name: photos for name, photos in candidates.items() if len(photos) > MAX_WEIGHED_MEANINGS}
        candidates = {name: photos for name, photos in candidates.items() if name not in doubtful}
    folders = {name: [_above(photo, plain[name]) for photo in photos] for name, photos in candidates.items() if photos}
    hits = Counter(folder for inside in folders.values() for folder in inside)
    fits: dict[str, tuple[object, ...]] = {folder: (*_fit(folder, file), count) for folder, count in hits.items()}
    for name, inside in folders.items():
        best = max(fits[folder] for folder in inside)
        photos = [photo for photo, folder in zip(candidates[name], inside, strict=True) if fits[folder] == best]
        if len(photos) == 1:
            found[name] = photos[0]
        else:
            doubtful[name] = tuple(photos)
    return found, doubtful


def _fit(folder: str, file: str) -> tuple[bool, bool, bool, int, bool]:
    """How well a folder fits an annotation file, as a key to sort by."""
    parts = folder.lower().split("/") if folder else []
    own, path = split_of(file), PurePosixPath(file.lower())
    other = next((split for part in reversed(parts) if (split := split_called(part.rstrip("0123456789")))), "")
    words = {path.stem, *re.split(r"[_\s.-]+", path.stem)} - {"annotations", "instances", "coco", "labels", ""}
    return (
        not (other and own and other != own),
        not _is_derived(parts),
        bool(words & set(parts)) or (bool(own) and own == other),
        _common_end(path.parts[:-1][::-1], parts[::-1]),
        not parts or parts[-1] in PHOTO_FOLDER_NAMES,
    )


def _is_derived(folders: Sequence[str]) -> bool:
    """Whether pictures in these folders are made of photos."""
    return any(part in DERIVED or part.startswith(("panoptic", "stuff")) for part in folders)


def _above(photo: str, parts: Sequence[str]) -> str:
    """The folder that a name is relative to, if it is the photo's."""
    inside = photo.split("/")
    return "/".join(inside[: len(inside) - max(1, _common_end(parts, _folded(photo).split("/")))])


def _plain(name: str) -> list[str]:
    """The parts of a name, as `_folded` has them."""
    return [part for part in _folded(name.replace("\\", "/")).split("/") if part not in ("", ".", "..")]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _common_end(first: Sequence[str], second: Sequence[str]) -> int:
    """How many parts agree, counted from the last."""
    pairs = zip(reversed(first), reversed(second), strict=False)
    return next((count for count, (one, other) in enumerate(pairs) if one != other), min(len(first), len(second)))
