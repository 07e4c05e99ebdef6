"""Photos that belong together, and folds that keep them together."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from recycle_coco import CocoSource

from recycle_data.progress import busy
from recycle_data.sources import read_photo
from recyclecli.errors import RecycleError, counted, join_limited
from recyclecli.types import Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger("recycle.data")

NEAR_DUPLICATES = "near-duplicates"
FOLDER = "folder"
ROUNDS = 20  # of improving an assignment; it stops earlier when nothing improves
ROBOFLOW = re.compile(
    r"(.+)\.rf\.[0-9A-Za-z]{6,}\.\w+"
)  # NAME_jpg.rf.HASH.jpg, each augmented copy of a photo with its own hash
PARTNERS = 512  # groups that one is compared with for a swap in each round
DIGITS = 12  # of a gain, so that no processor's way of adding decides among equals


def groups_of(source: Source, by: str) -> NDArray[np.int64]:
    """(photos,) number of each photo's group.

    Args:
        source: the photos.
        by: `near-duplicates` (what looks alike, also mirrored or turned by right angles), `folder`, or `FIELD` or
            `FIELD:REGEX`: a field of the COCO file's image entries (`file_name` for any source), or the part of it that
            the regular expression matches, its first group if it has one.

    Raises:
        RecycleError: no such field, a regular expression that is none or matches nowhere, or a photo
            that cannot be read.
    """
    import numpy as np

    if by == NEAR_DUPLICATES:
        from recycle_data.duplicates import look_alikes
        from recycle_data.identity import identities

        photos = identities(source)
        for index in np.flatnonzero(photos["height"] == 0)[:1].tolist():
            read_photo(source, index)  # tells why it cannot be read
        return look_alikes(photos)
    if by == FOLDER:
        values: list[Any] = [str(source.record(index).file.parent) for index in range(len(source))]
    else:
        field, _, pattern = by.partition(":")
        values = _fields(source, field)
        if pattern:
            values = _matched(values, pattern, by)
    return np.unique(np.array([str(value) for value in values]), return_inverse=True)[1].astype(np.int64)


def with_copies(source: Source, groups: NDArray[np.int64] | None) -> NDArray[np.int64] | None:
    """The groups, made larger where two of them hold one photo, as it is, saved anew or augmented by Roboflow.

    None for none at all.
    """
    import numpy as np

    from recycle_data.duplicates import linked, one_photo
    from recycle_data.identity import identities

    found = [] if groups is None else [groups]
    photos, augmented = one_photo(identities(source)), augmented_copies(source)
    for together, what in ((photos, "copies of these, maybe saved anew"), (augmented, "Roboflow's copies of these")):
        copies = len(together) - len(np.unique(together))
        if copies:
            log.warning(f"note: {counted(copies, 'photo')} kept in the fold of others, as {what}")
            found.append(together)
    if len(found) < 2:
        return found[0] if found else None
    numbers = np.arange(len(photos))
    firsts = [np.unique(one, return_index=True, return_inverse=True) for one in found]
    return linked(len(photos), [np.stack([numbers, first[inverse]]) for _, first, inverse in firsts])


def augmented_copies(source: Source) -> NDArray[np.int64]:
    """(photos,) group of each photo: the copies that Roboflow made of one photo have one, by their names."""
    import numpy as np

    names = [source.record(index).file_name.rpartition("/")[2] for index in range(len(source))]
    matches = [ROBOFLOW.fullmatch(name) for name in names]
    keys = [f"of {match[1]}" if match else str(index) for index, match in enumerate(matches)]
    return np.unique(np.array(keys), return_inverse=True)[1].astype(np.int64)


def _fields(source: Source, field: str) -> list[Any]:
    if field == "file_name":
        return [source.record(index).file_name for index in range(len(source))]
    images = source.document["images"] if isinstance(source, CocoSource) else []
    values = [image.get(field) for image in images]
    lacking = [image["file_name"] for image, value in zip(images, values, strict=True) if value is None]
    if not images or lacking:
        known = sorted({key for image in images for key in image} | {"file_name"})
        who = f"{len(lacking)} images, as {lacking[0]!r}, have" if lacking else "this dataset has"
        raise RecycleError(
            f"--group-by {field}: {who} no such field",
            f"fields: {join_limited(known, 12)}; or {FOLDER}, {NEAR_DUPLICATES}, FIELD:REGEX",
        )
    return values


def _matched(values: list[Any], pattern: str, by: str) -> list[str]:
    try:
        matches = [re.search(pattern, str(value)) for value in values]
    except re.error as error:
        raise RecycleError(f"--group-by {by}: {error}", "correct the regular expression") from error
    missed = [str(value) for value, match in zip(values, matches, strict=True) if match is None]
    if missed:
        raise RecycleError(
            f"--group-by {by}: matches nothing in {len(missed)} of {len(values)}, as {missed[0]!r}",
            "widen the regular expression: every photo needs a group",
        )
    return [match[match.re.groups and 1] or "" for match in matches if match]


@busy("dealing groups out")
def grouped_folds(
    columns: NDArray[Any],
    groups: NDArray[np.int64],
    n: int,
    seed: int,
    start: NDArray[np.int64] | None = None,
    kept: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """(photos,) fold of each photo, groups whole, as even in every column as moving groups makes it.

    The measure is the sum over folds and columns of the squared distance from an even share,
    each column divided by its total, so that what is rare weighs more. Groups are placed one by
    one, those richest in what is rare first, each where the measure grows least (the greedy of
    Sechidis et al., 2011, on groups); then groups are moved and swapped while that improves it.

    Args:
        columns: (photos, columns) what is to be spread evenly, by photo; their number is added.
        groups: (photos,) group numbers.
        n: how many folds.
        seed: decides among equals.
        start: (photos,) folds to improve on, of whole groups, in place of the greedy ones.
        kept: (photos,) fold that a photo's group stays in, -1 where it has none.

    Raises:
        RecycleError: fewer groups than folds.
    """
    import numpy as np

    names, member = np.unique(groups, return_inverse=True)
    if len(names) < n:
        raise RecycleError(
            f"{len(columns)} photos are only {counted(len(names), 'group')}, too few for {n} folds",
            "group by something finer",
        )
    columns = np.concatenate([columns, np.ones((len(columns), 1))], 1).astype(np.float64)
    totals = np.zeros((len(names), columns.shape[1]))
    np.add.at(totals, member, columns)
    totals /= np.maximum(totals.sum(0), 1)
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-totals[order].max(1), kind="stable")]
    even = totals.sum(0) / n
    loads = np.zeros((n, totals.shape[1]))
    fold = np.zeros(len(names), np.int64)
    if start is not None:
        fold[member] = start
        np.add.at(loads, fold, totals)
    if kept is not None:
        fold[member] = kept
        np.add.at(loads, fold[fold >= 0], totals[fold >= 0])
        order = order[fold[order] < 0]
    for group in (
        order if start is None else ()
    ):  # adding g to a load changes its squared distance by g * (2 (load - even) + g)
        growth = (totals[group] * (2 * (loads - even) + totals[group])).sum(1)
        fold[group] = growth.argmin()
        loads[fold[group]] += totals[group]
    _improve(totals, fold, loads, order)
    return fold[member]


def _improve(
    totals: NDArray[np.float64], fold: NDArray[np.int64], loads: NDArray[np.float64], order: NDArray[np.int64]
) -> None:
    """Move single groups, then swap pairs, while the sum of squared loads falls; in place."""
    import numpy as np

    around = np.concatenate([order, order])[: len(order) + PARTNERS]
    near = totals[around]  # in the order in which they are compared, so that a part of it is no copy
    squares = (near**2).sum(1)
    sizes = np.bincount(fold, minlength=len(loads))
    for _ in range(ROUNDS):
        changed = False
        for place, group in enumerate(order):
            some = slice(place, min(place + PARTNERS, place + len(order)))
            others, theirs = around[some], fold[around[some]]
            own, weight = fold[group], totals[group]
            other = loads - loads[own]
            move = 2 * (weight * (other + weight)).sum(1)  # change of the measure when the group moves to each fold
            move[own] = 0
            if sizes[own] <= 1:
                move[:] = 0  # no fold is left empty
            # of an exchange, 2 * sum(d * (loads[own] - loads[theirs] + d)) where d is near - weight, multiplied out
            gaps = np.concatenate([-other, weight[None]])
            products = near[some] @ gaps.T
            exchange = products[np.arange(len(others)), theirs] - (gaps[:-1] @ weight)[theirs]
            exchange += squares[some] - 2 * products[:, -1] + squares[place]
            exchange = np.round(2 * exchange, DIGITS)
            exchange[theirs == own] = 0
            partner, target = int(exchange.argmin()), int(move.argmin())
            if min(exchange[partner], move[target]) >= -1e-12:
                continue
            changed = True
            if move[target] <= exchange[partner]:
                loads[own] -= weight
                loads[target] += weight
                sizes[[own, target]] += -1, 1
                fold[group] = target
            else:
                swapped, difference = others[partner], near[place + partner] - weight
                far = fold[swapped]
                loads[own] += difference
                loads[far] -= difference
                fold[group], fold[swapped] = far, own
        if not changed:
            return
