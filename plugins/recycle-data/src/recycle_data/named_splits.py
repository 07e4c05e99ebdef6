"""The splits that the data itself names: in its description, or by its folders."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import PurePosixPath

from recycle_coco import SPLITS, split_called
from recycle_coco.once import warn_once

from recycle_data.optional import splits_of
from recyclecli.errors import RecycleError, counted
from recyclecli.types import Source

log = logging.getLogger("recycle.data")


@dataclass(frozen=True, slots=True)
class NamedSplits:
    """Photos by the split that the data names for them, as ascending indices of the source.

    Attributes:
        train, val, test: of each split; empty where the data names none.
        dealt: all that may be trained on or validated on: every photo but those of `test`.
    """

    train: tuple[int, ...]
    val: tuple[int, ...]
    test: tuple[int, ...]
    dealt: tuple[int, ...]

    def photos(self) -> dict[str, tuple[int, ...]]:
        """The splits that have photos."""
        splits = {"train": self.train, "val": self.val, "test": self.test}
        return {split: photos for split, photos in splits.items() if photos}

    def __str__(self) -> str:
        counts = {"training": self.train, "validation": self.val, "test": self.test}
        parts = [f"{len(photos)} {what}" for what, photos in counts.items() if photos]
        return f"the split that the data names ({', '.join(parts)} photos)" if parts else "no split"


def named_splits(source: Source, held_out: bool = False) -> NamedSplits:
    """What `source` says of its splits, else what the folders of its photos say (`train`, `valid`, `images/training`).

    A source says it by an attribute `splits`: `train`, `val` and `test` to indices of photos. A split that has the
    photos of the training split names nothing.

    Args:
        source: the photos.
        held_out: take a photo of several splits for the one that judges: the test, then validation.

    Raises:
        RecycleError: a photo is both for training and for the test, and not `held_out`.
    """
    stated = splits_of(source) or _by_folders(source)
    train, val, test = (frozenset(stated.get(split, ())) for split in SPLITS)
    same = [what for what, photos in (("validation", val), ("the test", test)) if photos and photos == train]
    if same:
        photo = source.record(min(train)).file
        warn_once(log, f"note: the data names the same photos for training and for {' and '.join(same)}, as {photo}")
    val, test = (frozenset() if photos == train else photos for photos in (val, test))
    if held_out:
        val, train = val - test, train - test - val
    if both := sorted(val & test):
        warn_once(
            log,
            f"note: the data names {counted(len(both), 'photo')} both for validation and for the test, "
            f"as {source.record(both[0]).file_name!r}",
        )
    if both := sorted(train & test):
        name = source.record(both[0]).file_name
        raise RecycleError(
            f"the data names {counted(len(both), 'photo')} both for training and for the test, as {name!r}",
            "take them out of one of the two",
        )
    dealt = [index for index in range(len(source)) if index not in test]
    return NamedSplits(tuple(sorted(train)), tuple(sorted(val)), tuple(sorted(test)), tuple(dealt))


def _by_folders(source: Source) -> dict[str, list[int]]:
    """The photos in folders named after splits, all at one depth; none where no training folder has another beside."""
    folders = [PurePosixPath(source.record(index).file_name).parts[:-1] for index in range(len(source))]
    for depth in range(max(map(len, folders), default=0)):
        found: dict[str, list[int]] = {}
        for index, parts in enumerate(folders):
            if depth < len(parts) and (split := split_called(parts[depth])):
                found.setdefault(split, []).append(index)
        if "train" in found and len(found) > 1:
            return found
    return {}
