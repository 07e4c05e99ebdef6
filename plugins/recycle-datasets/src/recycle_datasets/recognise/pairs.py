"""Which folders hold photos, and which the masks of these, by the names of folders and files alone."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from recycle_coco import PHOTO_SUFFIXES, split_called

from recycle_datasets.recognise.folder_names import (
    CODES,
    COLOR_WORDS,
    MASK_WORDS,
    PHOTO_WORDS,
    looks_masked,
    never_masked,
    words_of,
)

JPEG_SUFFIXES = (".jpg", ".jpeg", ".jfif", ".jpe")
PAIR_SUFFIXES = (*sorted(PHOTO_SUFFIXES), ".gif")
MASK_END = re.compile(
    r"(?:[_\-. ]+(?:gt(?:Fine|Coarse)_)?(?:labelIds|labelTrainIds|color|instanceIds|(?:color|watershed)_mask|masks?|"
    r"labels?|seg|segmentation|segmap|annotations?|annot|anno|gt|ground_?truth|truth|manual\d?|matte|lab|l|p|m)|mask|label|"
    r"\.(?:jpe?g|png|bmp|tiff?)(?:___\w+)?)$",  # a.jpg.png, and SuperAnnotate's a.jpg___fuse.png
    re.IGNORECASE,
)
MASK_START = re.compile(r"^(?:masks?|labels?|seg|segmentation|gt|annotation|truth)(?:[_\-. ]+|(?=\d))", re.IGNORECASE)
PHOTO_END = re.compile(
    r"[_\-. ]+(?:leftImg8bit|image|img|photo|rgb|sat|input|raw|orig|training|test|0000)$", re.IGNORECASE
)
PHOTO_START = re.compile(r"^(?:images?|img|im|photo|rgb|sat|input)(?:[_\-. ]+|(?=\d))", re.IGNORECASE)
SAMPLED_NAMES, MAX_FOLDERS_PER_NAME = 50, 40

Affix = tuple[str, str]  # what stands before and after the part of a name that photo and mask share


@dataclass(frozen=True, slots=True)
class Pairing:
    """Photos of a folder and their masks.

    Attributes:
        photos, masks: their folders.
        photo_affix, mask_affix: what their names have around what they share.
        count: of photos that have a mask.
        others: other folders or names of masks of the same photos.
    """

    photos: str
    masks: str
    photo_affix: Affix
    mask_affix: Affix
    count: int
    others: tuple[str, ...] = ()


def stem_of(name: str) -> str:
    """A photo's or mask's name without its suffix."""
    return name.rpartition(".")[0] if name.lower().endswith(PAIR_SUFFIXES) else name


def pattern_of(folder: str, affix: Affix) -> str:
    """The pattern of names with an affix in a folder."""
    return (f"{folder}/" if folder else "") + f"{affix[0]}*{affix[1]}"


@lru_cache(65536)
def _canonical(folder: str) -> tuple[str, ...]:
    """A folder without the words that tell photos from masks."""
    kept = []
    for part in folder.split("/"):
        words = [word for word in words_of(part) if word not in MASK_WORDS | PHOTO_WORDS | COLOR_WORDS]
        if words:
            kept.append("_".join(split_called(word) or word for word in words))
    return tuple(kept)


def _splits(folder: str) -> set[str]:
    return {split for part in _canonical(folder) for word in part.split("_") if (split := split_called(word))}


def _rest(first: str, second: str) -> tuple[list[str], list[str]]:
    """What two folders do not share, from the front and from the back."""
    ones, others = first.split("/") if first else [], second.split("/") if second else []
    while ones and others and ones[0] == others[0]:
        ones, others = ones[1:], others[1:]
    while ones and others and ones[-1] == others[-1]:
        ones, others = ones[:-1], others[:-1]
    return ones, others


def _forms(stems: Iterable[str], ends: re.Pattern[str], starts: re.Pattern[str]) -> dict[Affix, set[str]]:
    """What is left of names without each affix that they have."""
    found: dict[Affix, set[str]] = defaultdict(set)
    for stem in stems:
        found["", ""].add(stem)
        end, start = ends.search(stem), starts.match(stem)
        if end and end.start():
            found["", end[0]].add(stem[: end.start()])
        if start and start.end() < len(stem):
            found[start[0], ""].add(stem[start.end() :])
    return found


def find_pairs(root: Path, names: Sequence[str]) -> list[Pairing]:
    """Each folder of photos with its masks, the surest first.

    Args:
        root: the folder that names are relative to; the heads of a few PNGs are read where names leave a choice.
        names: of photos and masks.
    """
    folders: dict[str, dict[str, str]] = defaultdict(dict)
    for name in names:
        folder, _, base = name.rpartition("/")
        folders[folder].setdefault(stem_of(base), base)
    photo_forms = {folder: _forms(stems, PHOTO_END, PHOTO_START) for folder, stems in folders.items()}
    everywhere: dict[str, list[str]] = defaultdict(list)
    alike: dict[tuple[tuple[str, ...], str], list[str]] = defaultdict(list)
    for folder, forms in photo_forms.items():
        for key in set().union(*forms.values()):
            everywhere[key].append(folder)
            alike[_canonical(folder), key].append(folder)
    candidates: dict[str, list[tuple[tuple[int, ...], Pairing]]] = defaultdict(list)
    for masks, stems in folders.items():
        if never_masked(masks):
            continue
        for affix, keys in _forms(stems, MASK_END, MASK_START).items():
            if affix == ("", "") and not looks_masked(masks.split("/")):
                continue
            sample = sorted(keys)[:SAMPLED_NAMES]
            near = Counter(folder for key in sample for folder in alike[_canonical(masks), key])
            far = Counter(folder for key in sample for folder in everywhere[key][:MAX_FOLDERS_PER_NAME])
            for photos in {**near, **far}:
                for pairing in _pairings(photos, masks, photo_forms[photos], affix, keys):
                    candidates[photos].append((_score(pairing, folders[masks]), pairing))
    found = [_best(root, folders, rated) for photos, rated in candidates.items()]
    masked = {one.masks for one in found if one.masks != one.photos}
    found = [one for one in found if one.photos not in masked]  # a folder of masks holds no photos
    taken = {pattern_of(one.masks, one.mask_affix) for one in found}
    found = [replace(one, others=tuple(other for other in one.others if other not in taken)) for one in found]
    return sorted(found, key=lambda one: (one.photos, one.masks))


def _pairings(
    photos: str, masks: str, forms: Mapping[Affix, set[str]], affix: Affix, keys: set[str]
) -> Iterator[Pairing]:
    """Pairings of two folders by their names, one for each affix of photos."""
    mine, theirs = _rest(photos, masks)
    splits = _splits(photos), _splits(masks)
    if never_masked(photos):
        return
    if photos != masks and affix == ("", "") and (not looks_masked(theirs) or looks_masked(mine)):
        return
    if photos != masks and (looks_masked(mine) or (splits[0] and splits[1] and not splits[0] & splits[1])):
        return
    for own, stems in forms.items():
        if photos == masks and own == affix:
            continue
        if count := len(stems & keys):
            yield Pairing(photos, masks, own, affix, count)


def _score(one: Pairing, stems: Mapping[str, str]) -> tuple[int, ...]:
    """How well a pairing fits: higher is better."""
    words = {word for part in one.masks.split("/") for word in words_of(part)}
    words |= {word for text in one.mask_affix for word in words_of(text)}
    if words & {"instanceids"}:
        return (-9,)
    lossy = next(iter(stems.values())).lower().endswith(JPEG_SUFFIXES) if stems else False
    mine, theirs = _rest(one.photos, one.masks)
    return (
        one.count,
        int(_canonical(one.photos) == _canonical(one.masks)),
        len(words & CODES) - len(words & COLOR_WORDS) - 2 * lossy,
        -len(mine) - len(theirs),
        -len("".join(one.photo_affix + one.mask_affix)),
    )


def _best(
    root: Path, folders: Mapping[str, Mapping[str, str]], rated: Sequence[tuple[tuple[int, ...], Pairing]]
) -> Pairing:
    """The pairing of a folder of photos that fits best, with those that were not taken."""
    most = max(score[0] for score, _ in rated)
    fair = [(score, one) for score, one in rated if 2 * score[0] >= most]
    top = max((score[1:3], score[0]) for score, _ in fair)
    best = [(score, one) for score, one in fair if (score[1:3], score[0]) == top]
    chosen = max(best, key=lambda item: (_kind(root, folders, item[1]), item[0]))[1]
    others = [
        pattern_of(one.masks, one.mask_affix)
        for _, one in fair
        if (one.masks, one.mask_affix) != (chosen.masks, chosen.mask_affix)
    ]
    return Pairing(
        chosen.photos, chosen.masks, chosen.photo_affix, chosen.mask_affix, chosen.count, tuple(dict.fromkeys(others))
    )


def _kind(root: Path, folders: Mapping[str, Mapping[str, str]], one: Pairing) -> int:
    """2 for a mask with a palette, 1 for a gray one, 0 for colours and for other files, by the head of one PNG."""
    ends = [base for stem, base in folders[one.masks].items() if stem.endswith(one.mask_affix[1])]
    kind = png_kind(root / one.masks / ends[0]) if ends else -1
    return {3: 2, 0: 1}.get(kind, 0)


def png_kind(file: Path) -> int:
    """The kind of a PNG's colours as its head says: 0 gray, 2 RGB, 3 a palette, 4 and 6 with alpha; -1 for others."""
    try:
        with file.open("rb") as handle:
            head = handle.read(26)
    except OSError:
        return -1
    return head[25] if len(head) == 26 and head[:4] == b"\x89PNG" else -1


def twins(root: Path, names: Sequence[str]) -> list[Pairing]:
    """Folders in which a PNG with a palette or in gray has the name of each JPEG."""
    suffixes: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name in names:
        folder, _, base = name.rpartition("/")
        suffixes[folder, stem_of(base)].add(base.rpartition(".")[2].lower())
    counts: Counter[str] = Counter()
    first: dict[str, str] = {}
    for (folder, stem), found in suffixes.items():
        if "png" in found and found & {"jpg", "jpeg"}:
            counts[folder] += 1
            first.setdefault(folder, stem)
    kinds = {folder: png_kind(root / folder / f"{stem}.png") for folder, stem in first.items()}
    masked = [folder for folder, kind in kinds.items() if kind in (0, 3)]
    return [Pairing(folder, folder, ("", ""), ("", ""), counts[folder]) for folder in masked]


def compressed(pairings: Sequence[Pairing]) -> dict[str, str]:
    """Patterns of photos to those of masks, without the folders that both have at the end."""
    found: dict[str, str] = {}
    for one in pairings:
        photos, masks = one.photos.split("/"), one.masks.split("/")
        while photos and masks and photos != masks and photos[-1] == masks[-1]:
            photos, masks = photos[:-1], masks[:-1]
        found.setdefault(pattern_of("/".join(photos), one.photo_affix), pattern_of("/".join(masks), one.mask_affix))
    return found
