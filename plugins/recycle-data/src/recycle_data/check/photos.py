"""Faults of the photos themselves, and photos that are there twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recycle_coco.paths import PHOTO_SUFFIXES, is_hidden, resolve_file
from recycle_coco.photo import open_photo, read_head, transparent

from recycle_data.check.catalogue import LabelFault
from recycle_data.check.lists import located
from recycle_data.folds import FOLDS_FILE
from recycle_data.poor_photos import poor
from recyclecli.errors import RecycleError, counted, join_limited

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SPLIT_COUNT = 3  # train, val and test


def lint_photos(root: Path, contents: Mapping[str, dict[str, Any]], splits: Mapping[str, str]) -> Iterator[LabelFault]:
    """Read every photo once; `splits` says which split a file_name is of."""
    from recycle_data.identity import files_identities

    images = {image["file_name"]: image for content in contents.values() for image in content["images"]}
    files = photo_files(root, images)
    for name in (name for name in images if name not in files):
        with suppress(RecycleError):  # said by `lint_lists`
            detail = f"{resolve_file(root, name)} does not exist"
            yield LabelFault("missing-photo", str(root / name), f"image {images[name]['id']} {name!r}", detail)
    yield from _unlisted(root, files)
    photos = files_identities(files.values())
    for (name, file), photo in zip(files.items(), photos, strict=True):
        for code, detail in _faults(file, images[name], photo):
            yield LabelFault(code, str(root / name), f"image {images[name]['id']} {name!r}", detail)
    yield from _copies(files, photos, splits, lambda name: content_mask(root, contents, name))


def _unlisted(root: Path, files: Mapping[str, Path]) -> Iterator[LabelFault]:
    """Photos beside those of a set that lie in its folders, where no further file may list them."""
    others = [file for file in root.glob("*.json") if file.name != FOLDS_FILE and not file.name.startswith("kfold_")]
    known = {file.resolve() for file in files.values()}
    folders = {file.parent for file in files.values()}
    beside = [one for folder in folders for one in folder.iterdir() if one.suffix.lower() in PHOTO_SUFFIXES]
    lone = sorted(one for one in beside if not is_hidden(one.name) and one.is_file() and one.resolve() not in known)
    if lone and len(others) == 1:
        yield LabelFault(
            "unlisted-photo", str(root), "the folder", f"{counted(len(lone), 'photo')}: {join_limited(lone, 3)}"
        )


def lint_copies(
    files: Mapping[str, Path], splits: Mapping[str, str], labels: Callable[[str], NDArray[np.uint8]]
) -> Iterator[LabelFault]:
    """Same and similar photos among `files`, name to file.

    Args:
        files: name to file of each photo.
        splits: name to the split that it is of.
        labels: (H, W) of a photo by its name.
    """
    from recycle_data.identity import files_identities

    yield from _copies(files, files_identities(files.values()), splits, labels)


def without_unreadable(root: Path, content: dict[str, Any]) -> tuple[dict[str, Any], Counter[str]]:
    """The COCO content without the photos that are missing or cannot be read, and their annotations; how many of each.

    Raises:
        RecycleError: no photo would be left.
    """
    from recycle_data.identity import files_identities

    content, _ = located(root, content, "")
    files = photo_files(root, (image["file_name"] for image in content["images"]))
    read = dict(zip(files, files_identities(files.values())["height"] > 0, strict=True))
    gone = {image["id"] for image in content["images"] if not read.get(image["file_name"])}
    if len(gone) == len(content["images"]):
        raise RecycleError(
            f"none of the {counted(len(gone), 'photo')} can be read from {root}", "name their folder with --data"
        )
    images = [image for image in content["images"] if image["id"] not in gone]
    annotations = [one for one in content["annotations"] if one["image_id"] not in gone]
    counts = {"photos dropped": len(gone), "of their annotations": len(content["annotations"]) - len(annotations)}
    return {**content, "images": images, "annotations": annotations}, Counter(counts)


def content_mask(root: Path, contents: Mapping[str, dict[str, Any]], name: str) -> NDArray[np.uint8]:
    """(H, W) labels of a photo, as training would paint them.

    Raises:
        RecycleError: its labels or its file cannot be read.
    """
    from recycle_coco import CocoSource

    content = next(one for one in contents.values() if any(image["file_name"] == name for image in one["images"]))
    images = [image for image in content["images"] if image["file_name"] == name]
    annotations = [one for one in content["annotations"] if one["image_id"] == images[0]["id"]]
    own = {**content, "images": images, "annotations": annotations}
    return CocoSource(root, root, content=own).read_labels(0)[0]


def photo_files(root: Path, names: Iterable[str]) -> dict[str, Path]:
    """file_name to file, of the photos that lie in a data folder."""
    files: dict[str, Path] = {}
    for name in names:
        with suppress(RecycleError):
            file = resolve_file(root, name)
            if file.is_file():
                files[name] = file
    return files


def _faults(file: Path, image: Mapping[str, Any], photo: NDArray[np.void]) -> Iterator[tuple[str, str]]:
    """(code, detail) of what is wrong with one file."""
    from recycle_data.identity import SEVERAL

    try:
        head = read_head(file)
        yield from _size_faults(head.size, (image["width"], image["height"]), head.orientation)
        if not photo["height"]:
            with open_photo(file) as (opened, _):
                opened.load()  # tells why it cannot be read
    except RecycleError as error:
        yield "unreadable-photo", f"{error.args[0]}; {error.remedy}"
        return
    if head.note:
        yield "several-pictures", head.note
    if file.suffix.lower() in SEVERAL and transparent(file):
        yield "transparent-photo", "its alpha channel is not read"
    if photo["bits"] == 12:
        yield "twelve-bit-photo", "no value of its 16 bits is above 4095, which is taken for white"
    if fault := poor(file, photo["luma"]):
        yield fault


def _size_faults(stored: tuple[int, int], stated: tuple[int, int], orientation: int) -> Iterator[tuple[str, str]]:
    turned = stored[::-1] if orientation >= 5 else stored
    if stated not in (stored, turned):
        yield "photo-size", f"the file has {stored[0]}x{stored[1]} pixels, stated are {stated[0]}x{stated[1]}"
    elif turned != stored and stated == stored:
        yield "exif-ignored", f"EXIF orientation {orientation} makes it {turned[0]}x{turned[1]}, stated as stored"
    elif orientation > 1 and turned == stored:
        yield "exif-ambiguous", f"EXIF orientation {orientation} of a photo whose size it does not change"


def _copies(
    files: Mapping[str, Path],
    photos: NDArray[np.void],
    splits: Mapping[str, str],
    labels: Callable[[str], NDArray[np.uint8]],
) -> Iterator[LabelFault]:
    """Same and similar photos; across splits first, as that is the worse."""
    import numpy as np

    from recycle_data.duplicates import earlier_like, one_photo
    from recycle_data.unturned_labels import unturned

    readable = photos["height"] > 0
    names = [name for name, known in zip(files, readable.tolist(), strict=True) if known]
    photos = photos[readable]
    sides = np.array([splits.get(name, "") for name in names], np.str_)
    across = earlier_like(photos, sides) if len(set(sides.tolist())) > 1 else [None] * len(names)
    mirrored = _mirrored(photos, sides)
    cut_out = _cut_out([files[name] for name in names], photos, sides)
    within = earlier_like(photos)
    places: dict[int, list[int]] = defaultdict(list)
    for number, photo in enumerate(one_photo(photos).tolist()):
        same = places[photo]
        other = next((k for k in same if sides[k] != sides[number]), None)
        same.append(number)
        candidates = {
            "duplicate-across-splits": other,
            "duplicate-photo": same[0] if len(same) > 1 else None,
            "near-duplicate-across-splits": mirrored.get(number, across[number]),
            "crop-across-splits": cut_out.get(number),
            "near-duplicate-photo": within[number],
        }
        for code, like in candidates.items():
            if like is not None:
                side = f" of {sides[like]}" if sides[like] else ""
                side += ", mirrored, turned or inverted" if like == mirrored.get(number) else ""
                yield LabelFault(code, str(files[names[number]]), repr(names[number]), f"like {names[like]!r}{side}")
                break
    with suppress(RecycleError):  # labels that cannot be read, as other findings say
        for number, like in unturned(photos, lambda index: labels(names[index])):
            detail = f"it is {names[like]!r} mirrored or turned"
            yield LabelFault("unturned-labels", str(files[names[number]]), repr(names[number]), detail)


def _mirrored(photos: NDArray[np.void], sides: NDArray[np.str_]) -> dict[int, int]:
    """Index of each photo to one of another split that it is, mirrored, turned or inverted."""
    import numpy as np

    from recycle_data.duplicates import turned

    found = {}
    for side in sorted(set(sides.tolist()) - {""}):
        own, others = np.flatnonzero(sides == side), np.flatnonzero(sides < side)
        pairs = turned(photos[own], photos[others]) if len(others) else {}
        found.update({int(own[one]): int(others[other]) for one, other in pairs.items()})
    return found


def _cut_out(files: Sequence[Path], photos: NDArray[np.void], sides: NDArray[np.str_]) -> dict[int, int]:
    """Index of each photo to one of another split that it is cut out of; of folds, the first alone is asked about."""
    import numpy as np

    from recycle_data.crops import crops

    found = {}
    splits = sorted(set(sides.tolist()) - {""})
    for side in splits if len(splits) <= SPLIT_COUNT else splits[:1]:
        own, others = (np.flatnonzero(one).tolist() for one in (sides == side, (sides != side) & (sides != "")))
        pairs = crops(photos[own], [files[k] for k in own], photos[others], [files[k] for k in others])
        found.update({own[one]: others[other] for one, other in pairs.items()})
    return found
