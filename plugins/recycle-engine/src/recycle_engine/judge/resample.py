"""Chance over photos: the bootstrap and the swap test. Streamed in blocks of photos."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

REPLICATES = 2000  # of a bootstrap
SWAPS = 4999  # of a swap test
BLOCK = 512  # photos that are summed at a time
WEIGHTS_AT_A_TIME = 2**18  # weights that are held at a time
LEVEL = 0.95  # of an interval

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]


class AdditiveRows(Protocol):
    """(U, D) additive values of U photos or groups of photos, given out by slices of float64."""

    def __len__(self) -> int: ...

    def __getitem__(self, block: slice, /) -> Floats:
        """Some rows."""
        ...


def total(rows: AdditiveRows) -> Floats:
    """(D,) sum over all rows."""
    starts = range(0, len(rows), BLOCK)
    summed: Floats = np.sum([rows[start : start + BLOCK].sum(0) for start in starts], axis=0)
    return summed


def bootstrap(rows: AdditiveRows, statistic: Statistic, seed: int = 0, replicates: int = REPLICATES) -> Floats:
    """(replicates, M) values of `statistic` on rows drawn with replacement: Efron (1979).

    Args:
        rows: one row for each photo, or for each group of photos that belong together.
        statistic: (B, D) sums of rows to (B, M) values.
        seed: the same seed gives the same draws, whatever the rows hold.
        replicates: how many.
    """
    chance = np.random.default_rng(seed)

    def drawn(count: int) -> NDArray[np.integer]:
        places = chance.integers(0, len(rows), (count, len(rows))) + np.arange(count)[:, None] * len(rows)
        return np.bincount(places.ravel(), minlength=count * len(rows)).reshape(count, len(rows))

    return _summed(rows, statistic, replicates, drawn)


def swap_test(
    ours: AdditiveRows, theirs: AdditiveRows, statistic: Statistic, seed: int = 0, swaps: int = SWAPS
) -> Floats:
    """(M,) two-sided p-values: is the difference of two statistics more than the luck of which is which?

    Under the hypothesis that nothing differs, each photo's two results may be swapped. p is
    (1 + swaps whose absolute difference is at least the observed one) / (1 + swaps): a
    permutation test, exact for any number of photos (Fisher; Phipson and Smyth, 2010).

    Args:
        ours, theirs: rows of the same photos.
        statistic: (B, D) sums of rows to (B, M) values.
        seed: of the swaps.
        swaps: how many.
    """
    chance = np.random.default_rng(seed)
    first, second = total(ours), total(theirs)
    observed = np.abs(np.subtract(*statistic(np.stack([second, first]))))
    moved = _Difference(ours, theirs)

    def differences(shift: Floats) -> Floats:
        return statistic(second - shift) - statistic(first + shift)

    def coins(count: int) -> NDArray[np.integer]:
        return chance.integers(0, 2, (count, len(ours)), dtype=np.int8)

    found = np.abs(_summed(moved, differences, swaps, coins))
    # a difference of nothing (a class that neither has) is NaN: no evidence
    beyond = (~(found < observed - 1e-12)).sum(0)
    return np.where(np.isnan(observed), 1.0, (1 + beyond) / (1 + swaps))


class _Difference:
    """theirs - ours, row by row."""

    def __init__(self, ours: AdditiveRows, theirs: AdditiveRows) -> None:
        self._ours, self._theirs = ours, theirs

    def __len__(self) -> int:
        return len(self._ours)

    def __getitem__(self, block: slice, /) -> Floats:
        return self._theirs[block] - self._ours[block]


def _summed(
    rows: AdditiveRows, statistic: Statistic, replicates: int, draw: Callable[[int], NDArray[np.integer]]
) -> Floats:
    found = []
    step = max(1, min(replicates, WEIGHTS_AT_A_TIME // len(rows)))
    for start in range(0, replicates, step):
        weights = draw(min(step, replicates - start))
        starts = range(0, len(rows), BLOCK)
        parts = (weights[:, at : at + BLOCK].astype(np.float64) @ rows[at : at + BLOCK] for at in starts)
        sums = next(parts)
        for part in parts:
            sums += part
        found.append(statistic(sums))
    return np.concatenate(found)


def interval(replicates: Floats) -> tuple[Floats, Floats]:
    """The percentile interval of 95 % of each column of (B, M) replicates, NaN left out."""
    tail = (1 - LEVEL) / 2
    known = ~np.isnan(replicates).all(0)
    low, high = (np.full(replicates.shape[1], np.nan) for _ in range(2))
    if known.any():
        low[known], high[known] = np.nanquantile(replicates[:, known], [tail, 1 - tail], axis=0)
    return low, high
