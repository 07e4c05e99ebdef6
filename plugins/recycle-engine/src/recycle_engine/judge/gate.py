"""The gate: which tricks are kept, and what the choice is worth on photos that it was not made on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import numpy as np

from recycle_engine.judge.compare import MIN_EFFECT, Comparison, compare
from recycle_engine.judge.per_image_counts import PerImageCounts
from recycle_engine.judge.resample import bootstrap, interval, total
from recycle_engine.judge.scores import Estimate, Metric, rows_of, score

GATE_FOLDS = 5  # parts of the photos; each is scored with what the others would have chosen

TrickNames = tuple[str, ...]
Score = Callable[[PerImageCounts], float]
T = TypeVar("T")
Answer = Literal["keep", "drop", "not enough data"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One trick, judged.

    Attributes:
        name: of the trick.
        answer: `drop` where it is worse than the base, or where even the upper bound of its gain is
            not worth having; `keep` where it is better; else `not enough data`.
        why: what is lacking; empty otherwise.
        comparison: against the base.
    """

    name: str
    answer: Answer
    why: str
    comparison: Comparison

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return {"name": self.name, "answer": self.answer, "why": self.why, "comparison": self.comparison.as_dict()}


@dataclass(frozen=True, slots=True)
class Choice:
    """What the gate lets through.

    Attributes:
        kept: tricks of the chosen pipeline; empty: the base as it is.
        score: on the photos that it was chosen on, which flatters it.
        cross_fitted: the same procedure judged fairly: each part of the photos is scored with what
            was chosen without it.
        base: the score without any trick.
    """

    kept: TrickNames
    score: Estimate
    cross_fitted: Estimate
    base: Estimate


def judged(comparison: Comparison, min_effect: float = MIN_EFFECT) -> Candidate:
    """A comparison as the gate's answer on the trick."""
    difference = comparison.difference
    if difference.verdict in ("worse", "same") or (difference.q == difference.q and difference.high < min_effect):
        return Candidate(comparison.name, "drop", "", comparison)
    if difference.verdict == "better":
        return Candidate(comparison.name, "keep", "", comparison)
    return Candidate(comparison.name, "not enough data", difference.why, comparison)


def choose(
    base: PerImageCounts,
    tricks: Mapping[str, PerImageCounts],
    together: Callable[[Sequence[TrickNames]], Sequence[PerImageCounts]],
    metric: Metric = "miou_dataset",
    min_effect: float = MIN_EFFECT,
    groups: Sequence[int] | None = None,
    seed: int = 0,
) -> tuple[list[Candidate], Choice]:
    """Judge each trick, choose among those that are kept, and cross-fit the score of that choice.

    Tricks that help alone need not help together: of all kept ones at once and the best single
    one, the higher score is chosen. The whole procedure is repeated without each fifth of the
    photos, and that fifth is scored with what was chosen without it.

    Args:
        base: counts without any trick.
        tricks: counts with each, of the same photos.
        together: counts for sets of several tricks at once; called once at most.
        metric: the score that decides.
        min_effect: the smallest gain that matters.
        groups: a number for each photo; those of one number stay together.
        seed: seed of all randomness.
    """
    parts, rests = _parts(len(base), groups, seed)

    def tried(photos: np.ndarray[Any, Any] | None) -> list[Candidate]:
        some = {name: _taken(ledger, photos) for name, ledger in tricks.items()}
        own = None if groups is None else np.asarray(groups)[slice(None) if photos is None else photos].tolist()
        return [judged(one, min_effect) for one in compare(_taken(base, photos), some, metric, min_effect, own, seed)]

    answers = tried(None)
    kept = [_kept(found) for found in (answers, *(tried(rest) for rest in rests if len(rest)))]
    ledgers: dict[TrickNames, PerImageCounts] = {(): base} | {(name,): ledger for name, ledger in tricks.items()}
    several = sorted({names for names in kept if len(names) > 1})
    if several:
        ledgers |= dict(zip(several, together(several), strict=True))

    def best(names: TrickNames, photos: np.ndarray[Any, Any] | None) -> TrickNames:
        candidates = [(name,) for name in names] + ([names] if len(names) > 1 else [])
        return max(candidates, key=lambda one: _score(_taken(ledgers[one], photos), metric), default=())

    chosen = best(kept[0], None)
    fair = ledgers[()].take(np.arange(len(base)))
    for names, rest, held_out in zip(kept[1:], rests, parts, strict=False):
        fair.replace(held_out, ledgers[best(names, rest)])
    estimates = (estimate(one, metric, groups, seed) for one in (ledgers[chosen], fair, base))
    return answers, Choice(chosen, *estimates)


@dataclass(frozen=True, slots=True)
class Picks(Generic[T]):
    """What was picked on all photos, and on those that are not in each fifth.

    Attributes:
        chosen: on all photos.
        without: of each fifth the places of its photos, and what was picked on the others.
    """

    chosen: T
    without: tuple[tuple[np.ndarray[Any, Any], T], ...]

    def fair(self, counted: Callable[[T], PerImageCounts]) -> PerImageCounts:
        """The counts in which each fifth of the photos is scored with what was picked on the others.

        Args:
            counted: the counts of what was picked, of all photos.
        """
        whole = counted(self.chosen)
        ledger = whole.take(np.arange(len(whole)))
        for part, picked in self.without:
            ledger.replace(part, counted(picked))
        return ledger


def cross_pick(
    pick: Callable[[Score], T],
    photos: int,
    metric: Metric,
    groups: Sequence[int] | None = None,
    seed: int = 0,
) -> Picks[T]:
    """Pick on all photos, and without each fifth of them.

    Args:
        pick: picks by scores; what it is given scores a ledger of all photos, on some of them.
        photos: how many there are.
        metric: the score that decides.
        groups: a number for each photo; those of one number stay together.
        seed: seed of all randomness.
    """

    def picked(rest: np.ndarray[Any, Any] | None) -> T:
        return pick(lambda ledger: _score(_taken(ledger, rest), metric))

    parts = zip(*_parts(photos, groups, seed), strict=True)
    without = tuple((part, picked(rest)) for part, rest in parts if len(part) and len(rest))
    return Picks(picked(None), without)


def _parts(
    photos: int, groups: Sequence[int] | None, seed: int
) -> tuple[list[np.ndarray[Any, Any]], list[np.ndarray[Any, Any]]]:
    """Places of the photos of each fifth, and of all others."""
    units = np.arange(photos) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    order = np.random.default_rng(seed).permutation(units.max() + 1)
    part = (order % GATE_FOLDS)[units]
    parts = [np.flatnonzero(part == number) for number in range(GATE_FOLDS)]
    rests = [np.flatnonzero(part != number) for number in range(GATE_FOLDS)]
    return parts, rests


def estimate(ledger: PerImageCounts, metric: Metric, groups: Sequence[int] | None = None, seed: int = 0) -> Estimate:
    """One score with its interval."""
    rows = rows_of(ledger, groups)
    value = _score(ledger, metric)
    if len(rows) < 2:
        return Estimate(value, None, None)
    low, high = interval(bootstrap(rows, lambda sums: score(sums, metric)[:, None], seed))
    return Estimate(value, float(low[0]), float(high[0]))


def _kept(tricks: Sequence[Candidate]) -> TrickNames:
    return tuple(trick.name for trick in tricks if trick.answer == "keep")


def _taken(ledger: PerImageCounts, photos: np.ndarray[Any, Any] | None) -> PerImageCounts:
    return ledger if photos is None else ledger.take(photos)


def _score(ledger: PerImageCounts, metric: Metric) -> float:
    return float(score(total(rows_of(ledger))[None], metric)[0])
