"""Folds whose counts of each class differ by one at most, where a search of swaps finds such."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recycle_data.progress import busy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_IDLE_STEPS = 400  # without a better assignment, after which the search ends
CANDIDATES = 96  # groups of each of two folds that are compared in a step
RECENT = 12  # steps for which a group that was moved stays where it is


@busy("dealing photos out")
def within_one(
    shown: NDArray[np.bool_],
    groups: NDArray[np.int64],
    folds: NDArray[np.int64],
    n: int,
    seed: int,
    kept: NDArray[np.bool_] | None = None,
) -> Any:
    """(photos,) folds in which photos, and photos of each class, are spread within one as far as swaps of groups go.

    A tabu search: the best swap or move of a group between a fold that has too many of a class and one that has too
    few, also where it is no better than before. What is even already is left as it is.

    Args:
        shown: (photos, K) whether each photo shows each class.
        groups: (photos,) group numbers; a group stays whole.
        folds: (photos,) to begin with.
        n: how many folds.
        seed: decides among equals.
        kept: (photos,) whether a photo stays where it is, for whole groups.
    """
    import numpy as np

    _, first, member = np.unique(groups, return_index=True, return_inverse=True)
    columns = np.concatenate([shown, np.ones((len(shown), 1), bool)], 1)
    weights = np.zeros(
        (len(first) + 1, columns.shape[1]), np.int64
    )  # the last is no group: what is swapped for it moves
    np.add.at(weights, member, columns)
    place = folds[first].copy()
    loads = np.stack([weights[:-1][place == fold].sum(0) for fold in range(n)])
    low, high = loads.sum(0) // n, -(-loads.sum(0) // n)

    def excess(load: NDArray[np.int64]) -> NDArray[np.int64]:
        over: NDArray[np.int64] = np.maximum(load - high, 0) + np.maximum(low - load, 0)
        return over

    chance = np.random.default_rng(seed)
    best, fewest, idle, tabu = place.copy(), int(excess(loads).sum()), 0, np.zeros(len(weights), np.int64)
    if kept is not None:
        tabu[:-1][kept[first]] = np.iinfo(np.int64).max
    for step in range(1, 100 * MAX_IDLE_STEPS):
        wrong = np.argwhere(excess(loads) > 0)
        if not fewest or idle >= MAX_IDLE_STEPS or not len(wrong):
            break
        fold, column = wrong[chance.integers(len(wrong))]
        others = chance.permutation(n)
        others = others[others != fold]
        if loads[fold, column] > high[column]:
            giver, taker = fold, others[loads[others, column].argmin()]
        else:
            giver, taker = others[loads[others, column].argmax()], fold
        given = _some(np.flatnonzero((place == giver) & (weights[:-1, column] > 0) & (tabu[:-1] < step)), chance)
        back = _some(np.flatnonzero((place == taker) & (tabu[:-1] < step)), chance)
        back = np.append(back, len(first))
        idle += 1
        if not len(given):
            continue
        change = weights[given][:, None] - weights[back][None]
        worse = excess(loads[giver] - change).sum(2) + excess(loads[taker] + change).sum(2)
        if (place == giver).sum() < 2:
            worse[:, -1] = np.iinfo(np.int64).max  # no fold is left empty
        ties = np.argwhere(worse == worse.min())
        one, other = ties[chance.integers(len(ties))]
        loads[giver] -= change[one, other]
        loads[taker] += change[one, other]
        for group, target in ((given[one], taker), (back[other], giver)):
            tabu[group] = step + RECENT
            if group < len(first):
                place[group] = target
        tabu[-1] = 0
        if (left := int(excess(loads).sum())) < fewest:
            best, fewest, idle = place.copy(), left, 0
    return best[member]


def _some(places: NDArray[np.int64], chance: np.random.Generator) -> NDArray[np.int64]:
    return chance.permutation(places)[:CANDIDATES]
