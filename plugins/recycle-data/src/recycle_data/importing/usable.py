"""Photos and labels of an export that cannot be read: named all at once, or left out and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from recycle_coco import photo_size

from recycle_data.progress import track
from recycle_data.sources import Subset
from recyclecli.errors import LabelFaults, RecycleError, counted
from recyclecli.types import Source

UNREADABLE = "photos that cannot be read"
Fault = tuple[str, str]  # where, and what


class Usable(Subset):
    """The photos of a source that can be read, with its splits and what is left out.

    Args:
        source: all of them.
        indices: those that can be read.
    """

    def __init__(self, source: Source, indices: Sequence[int]) -> None:
        super().__init__(source, indices)
        place = {index: number for number, index in enumerate(indices)}
        named = getattr(source, "splits", {})
        self.splits = {key: tuple(place[one] for one in photos if one in place) for key, photos in named.items()}
        self.left_out = Counter(getattr(source, "left_out", {}))
        self.left_out[UNREADABLE] += len(source) - len(indices)


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
        try:
            source = open_export(True)
        except RecycleError:
            raise error from None
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


def _looked_at(source: Source) -> tuple[list[int], list[Fault]]:
    """The photos whose heads can be read, and what is wrong with the others."""
    usable, bad = [], []
    for index in track(range(len(source)), len(source), "looking at photos"):
        try:
            file = source.record(index).file
            if file.is_file():  # or it lies in the labels
                photo_size(file)
            usable.append(index)
        except RecycleError as error:
            bad.append((_name(source, index), str(error.args[0])))
    return usable, bad


def _name(source: Source, index: int) -> str:
    """What a photo is called whose record cannot be made."""
    places = getattr(source, "places", None)
    return str(places[index]) if places is not None else f"photo {index + 1}"
