"""Folds of an earlier set: its photos stay where they were when new ones join."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from recycle_data.folds import PHOTOS_FILE, read_listing
from recyclecli.errors import RecycleError, counted, join_limited
from recyclecli.types import Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger("recycle.data")


def kept_folds(
    source: Source, file: Path, groups: NDArray[np.int64] | None, n: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None, int]:
    """The fold that each photo stays in, the groups with that settled, and the number of folds.

    An old photo is known by what it shows, under whatever name, size or quality, where the folds' record of their
    photos or these themselves are still there; by its name otherwise.

    A new photo that belongs to a group of old ones stays with them. Where the old photos of a group are in several
    folds, they stay there, and the group's new photos join the fold that has most of them.

    Args:
        source: the photos, old and new.
        file: the folds.json.
        groups: (photos,) group numbers; None where each photo is on its own.
        n: how many folds are asked for; None for those of the file.

    Returns:
        (photos,) folds, -1 for photos that are free; the groups; and n.

    Raises:
        RecycleError: the file has another number of folds, or none of its photos is among these.
    """
    import numpy as np

    try:
        listing, _ = read_listing(file)
    except RecycleError as error:
        remedy = "name the folds.json that kfold wrote for the earlier set; to deal out anew, leave out --keep"
        raise RecycleError(f"--keep: {error.args[0]}", remedy) from error
    if n not in (None, len(listing)):
        raise RecycleError(f"{file} has {len(listing)} folds, not {n}", f"leave out --n, or say --n {len(listing)}")
    fold_of = {name: fold for fold, names in enumerate(listing) for name in names}
    names = [source.record(index).file_name for index in range(len(source))]
    olds = _same_as(source, file, fold_of, names)
    kept = np.array([-1 if old is None else fold_of[old] for old in olds], np.int64)
    old = int((kept >= 0).sum())
    gone = len(fold_of.keys() - set(olds))
    if not old:
        raise RecycleError(
            f"of {counted(len(fold_of), 'photo')} of {file} none is among these {len(names)}, as {names[0]!r}",
            "name the folds.json of the set that these photos were added to",
        )
    if gone:
        log.warning(f"note: no longer in this set: {gone} of {counted(len(fold_of), 'photo')} of {file}")
    log.warning(f"note: {counted(old, 'photo')} kept in the folds of before, {len(kept) - old} new")
    if groups is None:
        return kept, None, len(listing)
    groups = groups.copy()
    split = 0
    for group in np.unique(groups[kept >= 0]):
        members = np.flatnonzero(groups == group)
        folds = Counter(kept[members][kept[members] >= 0].tolist())
        (most, _), *others = folds.most_common()
        kept[members[kept[members] < 0]] = most
        for fold, _ in others:
            groups[members[kept[members] == fold]] = groups.max() + 1
        split += len(others) > 0
    if split:
        log.warning(f"note: groups lie in several folds of {file}, and stay so: {split}")
    return kept, groups, len(listing)


def _same_as(source: Source, file: Path, fold_of: Mapping[str, int], names: Sequence[str]) -> list[str | None]:
    """The name in folds.json of the photo that each one is; None for new ones."""
    from recycle_data.duplicates import seen
    from recycle_data.identity import identities

    known, photos = _photos_of(file, fold_of)
    now = identities(source)
    places = {name: place for place, name in enumerate(known)}
    stays = {
        index: name
        for index, name in enumerate(names)
        if name in places and photos["digest"][places[name]].tolist() == now["digest"][index].tolist()
    }
    there = set(stays.values())
    found = {index: known[old] for index, old in seen(now, photos).same.items() if index not in stays}
    # copies of a photo that is there join it as its group
    same = stays | {index: old for index, old in found.items() if old == names[index] or old not in there}
    moved = {names[index]: old for index, old in same.items() if names[index] != old}
    if moved:
        pairs = join_limited([f"{old!r} is {name!r}" for name, old in moved.items()])
        log.warning(f"note: {counted(len(moved), 'photo')} under another name now, known by their pixels: {pairs}")
    readable = {name for name, photo in zip(known, photos, strict=True) if photo["height"]}
    other = [
        name
        for index, name in enumerate(names)
        if index not in same | found and name in readable and now["height"][index]
    ]
    if other:
        log.warning(
            f"note: {counted(len(other), 'photo')} with other pixels than those of that name in {file} had, kept in "
            f"their folds: {join_limited(other)}"
        )
    unknown = fold_of.keys() - readable - set(names)
    if unknown:
        log.warning(
            f"note: {counted(len(unknown), 'photo')} of {file} gone, and it keeps no record of how they looked: under "
            "another name they are new"
        )
    return [same.get(index, name if name in fold_of else None) for index, name in enumerate(names)]


def _photos_of(file: Path, fold_of: Mapping[str, int]) -> tuple[list[str], NDArray[np.void]]:
    """Names and identities of the photos of a folds.json: of the record beside it, else of the photos there."""
    from recycle_coco.paths import resolve_file

    from recycle_data.arrays import read_arrays
    from recycle_data.identity import IDENTITY, files_identities

    with suppress(RecycleError):
        names, photos, made_from = read_arrays(file.with_name(PHOTOS_FILE), ("names", "photos", "source"), "")
        as_ours = (names.ndim, photos.ndim, made_from.ndim) == (1, 1, 0) and photos.dtype == IDENTITY
        if as_ours and made_from.item() == read_listing(file)[1] and len(names) == len(photos):
            known = [str(name) for name in names]
            if fold_of.keys() >= {*known}:
                return known, photos
    files = {}
    for name in fold_of:
        with suppress(RecycleError):
            files[name] = resolve_file(file.parent, name)
    return list(files), files_identities(files.values())
