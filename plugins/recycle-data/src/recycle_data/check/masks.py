"""Faults of a folder of index masks (VOC, mmseg)."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from recycle_coco.labels import IGNORE_CATEGORY, is_background, numbered_names
from recycle_coco.layouts import refuse_file
from recycle_coco.mask_numbers import mask_numbers
from recycle_coco.paths import CLASSES_FILE, copy_beside, photos_below
from recycle_coco.photo import open_photo, read_head
from recycle_coco.pixels import more_pictures

from recycle_data.check.catalogue import LabelFault
from recycle_data.label_suspicions import repeated
from recycle_data.progress import track
from recycle_data.threads import in_threads
from recyclecli.errors import RecycleError, counted, join_limited
from recyclecli.reading import read_text
from recyclecli.types import IGNORE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MASK_PIXELS_PER_BAND = 2**22  # pixels that are looked at in one go
BLENDED = 0.04  # share of a mask's edge pixels whose value lies between its neighbours'

LONE, SPECKLED = 50, 0.005  # pixels, and their share, that differ from all around them
ALLOWED_ODD_PIXELS = 1  # such pixel that any mask may have


@dataclass(frozen=True, slots=True)
class ImageInspection:
    """What one mask holds: its faults as (code, detail); none of the rest where it is unusable.

    `values`: that occur. `digest`: of its pixels, None where it holds one value alone.
    """

    faults: tuple[tuple[str, str], ...]
    values: frozenset[int] = frozenset()
    digest: bytes | None = None


def check_masks(
    root: Path,
    images: str = "images",
    masks: str = "masks",
    suffix: str = ".png",
    classes: Sequence[str] | None = None,
    values: Mapping[int, str] | None = None,
) -> list[LabelFault]:
    """All that is wrong with the masks in `root / masks` of the photos in `root / images`.

    Files belong together by their path without its suffix, which is `suffix` for masks. `classes`, else classes.txt
    in the root, a name per line, say how many classes there are; without them, or where `values` names the values one
    by one, these are not held against a number.

    Raises:
        RecycleError: one of the two folders is missing or empty.
    """
    refuse_file(root)
    photos, labels = _files(root / images), _files(root / masks, suffix)
    names = dict(values or enumerate(_names(root / CLASSES_FILE) if classes is None else classes))
    known = len(names) if values is None and (names or classes is not None) else None
    findings = [LabelFault("missing-mask", str(photos[key]), key, "no mask") for key in photos if key not in labels]
    findings += [
        LabelFault("mask-without-photo", str(labels[key]), key, "no photo") for key in labels if key not in photos
    ]
    pairs = [(key, labels[key], photos.get(key)) for key in labels]
    work = in_threads(lambda pair: _look(pair[1], pair[2], known), track(pairs, len(pairs), "reading masks"))
    looks = list(work)
    found: set[int] = set()
    for (key, file, _), look in zip(pairs, looks, strict=True):
        findings += [LabelFault(code, str(file), key, detail) for code, detail in look.faults]
        found |= look.values
    if found - {0, IGNORE} and (not names or is_background(names.get(0, ""))):
        findings += [
            LabelFault("unlabelled-image", str(file), key, "the mask holds 0 alone")
            for (key, file, _), look in zip(pairs, looks, strict=True)
            if look.values == {0}
        ]
    findings += [
        LabelFault("ignored-mask", str(file), key, "the mask holds 255 alone")
        for (key, file, _), look in zip(pairs, looks, strict=True)
        if look.values == {IGNORE}
    ]
    if same := repeated(look.digest for look in looks):
        findings.append(LabelFault("repeated-labels", str(root / masks), "all masks", f"{same} copies of one"))
    if found:
        findings += [
            LabelFault("unused-category", str(root / masks), f"class {name!r}", f"no mask holds {value}")
            for value, name in names.items()
            if value not in found and not is_background(name) and name != IGNORE_CATEGORY
        ]
    if known is not None and known > IGNORE + 1:
        findings.append(LabelFault("too-many-classes", str(root / CLASSES_FILE), CLASSES_FILE, f"{known} classes"))
    if (values is None and found == {0, IGNORE}) or known == IGNORE + 1:
        detail = "the only values are 0 and 255" if found == {0, IGNORE} else "256 classes leave no value for ignore"
        findings.append(LabelFault("mask-255-as-class", str(root / masks), "all masks", detail))
    return findings


def mask_photos(root: Path, images: str = "images") -> dict[str, Path]:
    """The photos of `root / images` by their path there without its suffix."""
    return _files(root / images)


def _files(folder: Path, suffix: str = "") -> dict[str, Path]:
    """The images of a folder by their path without suffix, or without `suffix` where their names end in it."""
    files = photos_below(folder)
    if not files:
        others = sorted(place.name for place in folder.parent.glob("*/") if photos_below(place))
        there = f"; images lie in {join_limited(others)}" if others else ""
        raise RecycleError(
            f"{folder} holds no images{there}",
            "photos go into images/, their masks into masks/; other folders: -o data.dataset.images=FOLDER "
            "-o data.dataset.masks=FOLDER; or have them recognised: "
            f"recycle data import {quote(str(folder.parent))} {quote(str(copy_beside(folder.parent)))}",
        )
    names = {file: file.relative_to(folder).as_posix() for file in files}
    return {
        name.removesuffix(suffix) if suffix and name.endswith(suffix) else Path(name).with_suffix("").as_posix(): file
        for file, name in names.items()
    }


def _names(file: Path) -> list[str]:
    lines = [line.strip() for line in read_text(file).splitlines() if line.strip()] if file.exists() else []
    return [name for _, name in sorted(numbered_names(lines).items())] or lines


def _look(file: Path, photo: Path | None, classes: int | None) -> ImageInspection:
    import numpy as np

    try:
        with open_photo(file) as (image, _):
            told = more_pictures(image)
            if told:
                return ImageInspection((("unreadable-mask", f"it {told}: a mask is one picture"),))
            faults = list(_form_faults(image.format, image.mode))
            values = None if faults and faults[-1][0] == "mask-channels" else mask_numbers(file, image)
    except RecycleError as error:
        return ImageInspection((("unreadable-mask", str(error.args[0])),))
    if values is None:
        return ImageInspection(tuple(faults))
    if photo is not None:
        faults += _size_fault(photo, values.shape)
    counts = Counter[int]()
    for band in bands(values):
        counts.update(dict(zip(*(part.tolist() for part in np.unique(band, return_counts=True)), strict=True)))
    present = sorted(counts)
    unknown = [value for value in present if value != IGNORE and value >= (classes or IGNORE)]
    if unknown:
        pixels = sum(counts[value] for value in unknown)
        faults.append(
            (
                "mask-unknown-value",
                f"{join_limited(unknown)} in {counted(pixels, 'pixel')}; {counted(classes or 0, 'class')}",
            )
        )
    share = blended(values)
    if share > BLENDED:
        faults.append(("mask-interpolated", f"{share:.0%} of the edge pixels lie between their neighbours' values"))
    if (lone := speckles(values)) > SPECKLED:
        faults.append(("mask-speckled", f"{lone:.1%} of the pixels differ from all around them"))
    digest = hashlib.sha1(repr(values.shape).encode(), usedforsecurity=False)
    for band in bands(values):
        digest.update(band.tobytes())
    return ImageInspection(tuple(faults), frozenset(present), digest.digest() if len(present) > 1 else None)


def _form_faults(form: str | None, mode: str) -> Iterator[tuple[str, str]]:
    if form == "JPEG":
        yield "mask-jpeg", "the file is a JPEG"
    if mode not in ("L", "P", "1", "I;16", "I"):
        yield "mask-channels", f"its mode is {mode}"


def _size_fault(photo: Path, size: tuple[int, ...]) -> list[tuple[str, str]]:
    try:
        head = read_head(photo)
    except RecycleError as error:
        return [("unreadable-photo", str(error.args[0]))]
    several = [("several-pictures", head.note)] if head.note else []
    stored = head.size[::-1]
    if size in (stored, head.size if head.orientation >= 5 else stored):
        return several
    return [*several, ("mask-size", f"{size[1]}x{size[0]} pixels, its photo {stored[1]}x{stored[0]}")]


def blended(values: NDArray[np.integer[Any]]) -> float:
    """Share of edge pixels whose value lies strictly between those of two opposite neighbours.

    Resizing by interpolation makes such steps along every edge; nearest-pixel masks have them
    only where a class is one pixel wide. 255 is left out. 0 when a mask has no edge, or so few of such pixels that
    chance explains them.
    """
    import numpy as np

    found = np.zeros(2, np.int64)
    for band in bands(values, 2):
        found += _steps(band.T)
    for band in bands(values):
        found += _steps(band)
    between, edges = found.tolist()
    usual = BLENDED * edges
    if edges < np.sqrt(values.size) / 4 or between <= usual + usual**0.5 + ALLOWED_ODD_PIXELS:
        return 0.0  # as few as a small sound mask may have
    return float(between / edges)


def speckles(values: NDArray[np.integer[Any]]) -> float:
    """Share of pixels that differ from all around them; 0 where they are as few as a small sound mask may have."""
    import numpy as np

    count = 0
    for band in bands(values, 2):
        here = band[1:-1, 1:-1]
        alone = np.ones(here.shape, np.bool_)
        for down in range(3):
            for across in range(3):
                if (down, across) != (1, 1):
                    alone &= here != band[down : down + here.shape[0], across : across + here.shape[1]]
        count += int(alone.sum())
    return float(count / values.size) if count > LONE else 0.0


def _steps(values: NDArray[np.integer[Any]]) -> tuple[int, int]:
    """Pixels between those of two others in their row, and pixels at an edge of it."""
    before, here, after = values[:, :-2], values[:, 1:-1], values[:, 2:]
    known = (before != IGNORE) & (here != IGNORE) & (after != IGNORE)
    step = known & ((before < here) & (here < after) | (before > here) & (here > after))
    return int(step.sum()), int((known & (before != after)).sum())


def bands(values: NDArray[np.integer[Any]], shared: int = 0) -> Iterator[NDArray[np.integer[Any]]]:
    """A mask (H, W) from top to bottom in parts of some `MASK_PIXELS_PER_BAND` pixels; neighbours share rows."""
    rows = max(1, MASK_PIXELS_PER_BAND // max(1, values.shape[1]))
    for top in range(0, max(1, len(values) - shared), rows):
        yield values[top : top + rows + shared]
