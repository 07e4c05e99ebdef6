"""Folds of an earlier set: its photos stay where they were when new ones join."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from recycle_data.folds import read_listing
from recyclecli.errors import RecycleError
from recyclecli.types import Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def kept_folds(
    source: Source, file: Path, groups: NDArray[np.int64] | None, n: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None, int]:
    """The fold that each photo stays in, the groups with that settled, and the number of folds.

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
    kept = np.array([fold_of.get(name, -1) for name in names], np.int64)
    old = int((kept >= 0).sum())
    gone = len(fold_of) - old
    if not old:
        raise RecycleError(
            f"none of the {len(fold_of)} photos of {file} is among these {len(names)}, as {names[0]!r}",
            "name the folds.json of the set that these photos were added to",
        )
    if gone:
        print(f"note: {gone} of {len(fold_of)} photos of {file} are not in this set any more", file=sys.stderr)
    print(f"note: {old} photos stay in their folds, {len(kept) - old} are new", file=sys.stderr)
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
        print(f"note: {split} groups lie in several folds of {file}, and stay so", file=sys.stderr)
    return kept, groups, len(listing)
