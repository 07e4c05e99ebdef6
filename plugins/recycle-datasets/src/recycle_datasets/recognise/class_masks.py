"""Masks of one class each, which is called as the class: Paper/1.png, 1_Paper.png, or masks/1/Paper.png."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from recycle_coco import Tree, split_called

from recycle_datasets.recognise.folder_names import COLOR_WORDS, MASK_WORDS, NEVER, PHOTO_WORDS, words_of
from recycle_datasets.recognise.pairs import JPEG_SUFFIXES, PAIR_SUFFIXES, stem_of
from recyclecli.types import Layout

SEPARATORS = "_-. "  # between a photo's name and a class
WAYS = {
    "folders": "folders called as classes hold a mask of one class each",
    "photos": "folders called as photos hold a mask for each class",
    "ends": "names of masks end in a class",
    "starts": "names of masks begin with a class",
}


def recognise(tree: Tree) -> Iterator[Layout]:
    """Such masks as one layout."""
    if found := find_masks(tree):
        way, masks = found
        first = next(iter(masks.values()))
        name, mask = next(iter(first.items()))
        yield Layout("class-masks", f"{WAYS[way]}: {mask} is of {name}", "folders", options={})


def find_masks(tree: Tree) -> tuple[str, dict[str, dict[str, str]]] | None:
    """The way in which masks are named, and of each photo its masks by class; None for none."""
    names = tree.ending(*PAIR_SUFFIXES)
    folders: dict[str, dict[str, str]] = defaultdict(dict)
    for name in names:
        folder, _, base = name.rpartition("/")
        folders[folder].setdefault(stem_of(base), name)
    for way in (_of_folders(folders), _of_photos(folders), _of_names(folders)):
        if way is not None and len({one for masks in way[1].values() for one in masks}) > 1:
            return way
    return None


def _is_class(name: str) -> bool:
    """Whether a name can be that of a class: no word for masks, photos or splits, and no number."""
    words = words_of(name)
    known = MASK_WORDS | NEVER | PHOTO_WORDS | COLOR_WORDS
    return bool(words) and not any(word in known for word in words) and not split_called(name) and _has_letter(name)


def _has_letter(name: str) -> bool:
    return any(one.isalpha() for one in name)


def _of_folders(folders: Mapping[str, Mapping[str, str]]) -> tuple[str, dict[str, dict[str, str]]] | None:
    """Folders side by side, called as classes, all of whose files have the name of a photo in one other folder."""
    above: dict[str, list[str]] = defaultdict(list)
    for folder in folders:
        parent, _, last = folder.rpartition("/")
        if (
            folder
            and _is_class(last)
            and not any(one.lower().endswith(JPEG_SUFFIXES) for one in folders[folder].values())
        ):
            above[parent].append(folder)
    for inside in above.values():
        if len(inside) < 2:
            continue
        stems = set().union(*(folders[one] for one in inside))
        own = [one for one in folders if one not in inside and stems <= folders[one].keys() and stems]
        own = [one for one in own if not _is_masks(one)] or own
        if len(own) != 1 or _repeat(inside, folders) < 1:
            continue
        photos = folders[own[0]]
        found: dict[str, dict[str, str]] = {photo: {} for photo in photos.values()}
        for one in sorted(inside):
            for stem, name in folders[one].items():
                found[photos[stem]][one.rpartition("/")[2]] = name
        return "folders", found
    return None


def _is_masks(folder: str) -> bool:
    return any(word in MASK_WORDS for word in words_of(folder.rpartition("/")[2]))


def _repeat(inside: list[str], folders: Mapping[str, Mapping[str, str]]) -> int:
    """How many photos have masks in several folders."""
    seen: dict[str, int] = defaultdict(int)
    for one in inside:
        for stem in folders[one]:
            seen[stem] += 1
    return sum(count > 1 for count in seen.values())


def _of_photos(folders: Mapping[str, Mapping[str, str]]) -> tuple[str, dict[str, dict[str, str]]] | None:
    """Folders side by side, called as the photos of one folder, that hold files called as classes."""
    above: dict[str, list[str]] = defaultdict(list)
    for folder in folders:
        above[folder.rpartition("/")[0]].append(folder)
    having = _having(folders)
    for inside in above.values():
        counts = Counter(one for folder in inside if folder for one in having.get(folder.rpartition("/")[2], ()))
        for photos, count in counts.items():
            stems = folders[photos]
            own = [one for one in inside if one != photos and one and one.rpartition("/")[2] in stems]
            classes = [set(folders[one]) for one in own]
            if count < 2 or len(own) < 2 or not all(map(_is_class, set().union(*classes))):
                continue
            if sum(map(len, classes)) <= len(set().union(*classes)):  # each name occurs once: of single objects
                continue
            found: dict[str, dict[str, str]] = {photo: {} for photo in stems.values()}
            for one in own:
                found[stems[one.rpartition("/")[2]]] |= dict(sorted(folders[one].items()))
            return "photos", found
    return None


def _having(folders: Mapping[str, Mapping[str, str]]) -> dict[str, list[str]]:
    """The folders that hold a file of each stem."""
    found: dict[str, list[str]] = defaultdict(list)
    for folder, stems in folders.items():
        for stem in stems:
            found[stem].append(folder)
    return found


def _possible(stems: Mapping[str, str], having: Mapping[str, list[str]]) -> list[str]:
    """Folders that hold the photo of the longest of these names, as far as that is a photo's with a class."""
    name = max(stems, key=len)
    cuts = [place for place, one in enumerate(name) if one in SEPARATORS]
    keys = [key for place in cuts for key in (name[:place], name[place + 1 :])]
    return list(dict.fromkeys(folder for key in keys for folder in having.get(key, ())))


def _of_names(folders: Mapping[str, Mapping[str, str]]) -> tuple[str, dict[str, dict[str, str]]] | None:
    """Files of one folder that are called as a photo, with a class behind or before."""
    having = _having(folders)
    for masks, stems in folders.items():
        for photos in _possible(stems, having):
            own = folders[photos]
            named = {
                stem: name for stem, name in own.items() if photos != masks or name.lower().endswith(JPEG_SUFFIXES)
            }
            for way in ("ends", "starts"):
                found: dict[str, dict[str, str]] = {name: {} for name in named.values()}
                rest = [
                    stem for stem, name in stems.items() if photos != masks or not name.lower().endswith(JPEG_SUFFIXES)
                ]
                parts = dict(_all_parted(rest, named, way))
                if not parts or len(parts) < len(rest):
                    continue
                for stem, (photo, called) in parts.items():
                    found[named[photo]][called] = stems[stem]
                if any(len(one) > 1 for one in found.values()):
                    return way, {name: dict(sorted(one.items())) for name, one in found.items()}
    return None


def _all_parted(stems: list[str], photos: Mapping[str, str], way: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Names of masks with their parts, up to the first that has none."""
    for stem in stems:
        part = _parted(stem, photos, way)
        if part is None:
            return
        yield stem, part


def _parted(stem: str, photos: Mapping[str, str], way: str) -> tuple[str, str] | None:
    """A mask's name as that of a photo and that of a class; the longest name of a photo counts."""
    places = [place for place, one in enumerate(stem) if one in SEPARATORS and 0 < place < len(stem) - 1]
    for place in reversed(places) if way == "ends" else places:
        photo, called = stem[:place], stem[place + 1 :]
        if way == "starts":
            photo, called = called, photo
        if photo in photos and _is_class(called):
            return photo, called
    return None
