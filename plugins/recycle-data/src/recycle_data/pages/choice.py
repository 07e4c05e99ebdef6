"""Which photos are looked at: the rarest classes first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recycle_data.pages.contact_sheet import first_label
from recyclecli.errors import RecycleError, join_limited, suggest
from recyclecli.types import IGNORE, Source

POOL = 240  # photos of a source without annotations that are read to find its classes


def choose(source: Source, count: int, seed: int, classes: Sequence[str] = (), names: Sequence[str] = ()) -> list[int]:
    """Indices of photos to look at.

    With `names`, those photos. Else up to `count`, the same for the same seed: first, for each
    class from the rarest on that is not shown yet, a photo with it (of these the one with the most
    classes that are still missing), then others by chance. Of a source that has no annotations
    without reading its photos, `POOL` photos (or `count`) drawn by chance are looked at.

    Args:
        source: the photos.
        count: how many.
        seed: of the chance.
        classes: only photos that show one of these.
        names: `file_name`s, or their last parts where that is unambiguous.

    Raises:
        RecycleError: no such class or photo, both are given, or no photo shows the classes.
    """
    if classes and names:
        raise RecycleError("--class and --image are both given", "name photos, or let classes choose them")
    if names:
        return [_index(source, name) for name in names]
    unknown = [name for name in classes if name not in source.class_names]
    if unknown:
        raise RecycleError(f"no class is called {unknown[0]!r}", suggest(unknown[0], source.class_names))
    order, presence = _presence(source, count, np.random.default_rng(seed))
    wanted = [source.class_names.index(name) for name in classes] or range(
        first_label(source.class_names), len(source.class_names)
    )
    presence = presence[:, list(wanted)]
    if classes:
        showing = np.flatnonzero(presence.any(1))
        order, presence = order[showing], presence[showing]
    if not len(order):
        raise RecycleError(
            f"no photo shows {join_limited(classes)}", "recycle data stats counts the photos of each class"
        )
    chosen: list[int] = []
    for label in sorted(range(presence.shape[1]), key=lambda label: int(presence[:, label].sum())):
        missing: NDArray[np.bool_] = np.logical_not(presence[chosen].any(0))
        if len(chosen) < count and missing[label] and presence[:, label].any():
            chosen.append(int((presence[:, missing].sum(1) * presence[:, label]).argmax()))
    chosen += sorted(set(range(len(order))) - set(chosen))
    return [int(order[place]) for place in chosen[:count]]


def _presence(source: Source, count: int, chance: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Photos in an order by chance, and (photos, K) whether each shows each class."""
    order = chance.permutation(len(source))
    records = [source.record(int(index)) for index in order]
    known = any(record.annotations for record in records)
    order = order if known else order[: max(POOL, count)]
    presence = np.zeros((len(order), IGNORE + 1), bool)
    for place, index in enumerate(order):
        labels = (
            [annotation.label for annotation in records[place].annotations]
            if known
            else np.unique(source.read(int(index)).mask)
        )
        presence[place, labels] = True
    return order, presence[:, : len(source.class_names)]


def _index(source: Source, name: str) -> int:
    every = [source.record(index).file_name for index in range(len(source))]
    if name in every:
        return every.index(name)
    ends = [index for index, other in enumerate(every) if Path(other).name == name]
    if len(ends) > 1:
        raise RecycleError(
            f"{len(ends)} photos are called {name!r}", f"name one: {join_limited(every[i] for i in ends)}"
        )
    if not ends:
        raise RecycleError(f"no photo is called {name!r}", suggest(name, every) if len(every) < 20 else "")
    return ends[0]
