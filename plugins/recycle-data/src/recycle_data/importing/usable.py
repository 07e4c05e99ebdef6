"""Photos and labels of an export that cannot be read: named all at once, or left out and counted."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from recycle_coco import photo_size, read_photo

from recycle_data.optional import left_out_of, splits_of
from recycle_data.progress import track
from recycle_data.sources import Subset
from recyclecli.errors import LabelFaults, RecycleError, counted
from recyclecli.types import Source

LOG = logging.getLogger("recycle")
UNREADABLE_LEFT_OUT = "photos that cannot be read"
FILE_ENDS_BY_MAGIC = {b"\xff\xd8": b"\xff\xd9", b"\x89PNG": b"IEND\xaeB`\x82"}  # of files by what they begin with
TAIL = 64  # bytes, of which zeros may stand behind the end
ImportFault = tuple[str, str]  # where, and what


class Usable(Subset):
    """The photos of a source that can be read, with its splits and what is left out.

    Args:
        source: all of them.
        indices: those that can be read.
    """

    def __init__(self, source: Source, indices: Sequence[int]) -> None:
        super().__init__(source, indices)
        place = {index: number for number, index in enumerate(indices)}
        named = splits_of(source)
        self.splits = {key: tuple(place[one] for one in photos if one in place) for key, photos in named.items()}
        self.left_out = Counter(left_out_of(source))
        self.left_out[UNREADABLE_LEFT_OUT] += len(source) - len(indices)


def open_usable(open_export: Callable[[bool], Source], drop: bool, again: str) -> Source:
    """The source that `open_export` makes, where all of its photos and labels can be read, or without the others.

    Args:
        open_export: called with whether labels that cannot be read are left out.
        drop: leave out what cannot be read.
        again: the command that does.

    Raises:
        LabelFaults: labels or photos cannot be read, all that are known, and not `drop`.
        RecycleError: no photo can be read.
    """
    try:
        source, faults = open_export(drop), []
    except LabelFaults as error:
        if drop:
            raise
        faults = [*error.faults]
        level = LOG.level
        LOG.setLevel(max(level, logging.ERROR))  # it notes what was noted before
        try:
            source = open_export(True)
        except RecycleError:
            raise error from None
        finally:
            LOG.setLevel(level)
    known = {where for where, _ in faults}
    usable, bad = _looked_at(source)
    faults += [(where, what) for where, what in bad if where not in known]
    if faults and not drop:
        remedy = f"correct them, and export again; or go on without them: {again}"
        raise LabelFaults(faults, remedy)
    if bad and not usable:
        raise RecycleError(
            f"of {counted(len(source), 'photo')} none can be read; {bad[0][1]}", "export the photos again"
        )
    return Usable(source, usable) if bad else source


def _looked_at(source: Source) -> tuple[list[int], list[ImportFault]]:
    """The photos whose heads can be read and that are not cut off, and what is wrong with the others."""
    usable, bad = [], []
    for index in track(range(len(source)), len(source), "looking at photos"):
        name = ""
        try:
            record = source.record(index)
            name = record.file_name
            if record.file.is_file():  # or it lies in the labels
                photo_size(record.file)
                if _may_be_cut(record.file):
                    read_photo(record.file, record.height, record.width)
            usable.append(index)
        except RecycleError as error:
            bad.append((name or _name(source, index), str(error.args[0])))
    return usable, bad


def _may_be_cut(file: Path) -> bool:
    """Whether a JPEG or PNG does not end as such a file does: it is cut off, or something stands behind it."""
    with file.open("rb") as handle:
        begin = handle.read(4)
        end = next((end for magic, end in FILE_ENDS_BY_MAGIC.items() if begin.startswith(magic)), b"")
        handle.seek(-min(TAIL, file.stat().st_size), os.SEEK_END)
        return not handle.read().rstrip(b"\0\r\n").endswith(end)


def _name(source: Source, index: int) -> str:
    """What a photo is called whose record cannot be made."""
    places = getattr(source, "places", None)
    return str(places[index]) if places is not None else f"photo {index + 1}"
