"""Whether one result is better than another on the same photos, or whether nobody can tell yet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from recycle_data.progress import busy

from recycle_engine.judge.per_image_counts import PerImageCounts, class_iou
from recycle_engine.judge.resample import (
    LEVEL,
    REPLICATES,
    SWAPS,
    AdditiveRows,
    Floats,
    bootstrap,
    interval,
    swap_test,
    total,
)
from recycle_engine.judge.scores import VIEW_OF, Metric, counts_of, rows_of, score
from recyclecli.errors import RecycleError, counted, join_limited

RATE = 0.05  # of false discoveries
MIN_EFFECT = 0.005  # the smallest difference of a score that anyone would act on
FEWEST = 10  # photos (or groups) below which nothing is concluded
SEEDS = 3  # runs of an arm below which nothing is concluded about retraining
POWER = 0.8  # with which the photos that would be needed are reckoned

Verdict = Literal["better", "worse", "same", "not enough data"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of two scores on the same photos, the second minus the first.

    Attributes:
        value: the difference; NaN where a score is undefined.
        low, high: its 95 % interval over photos (and seeds, where there are several).
        p: two-sided p-value of one comparison.
        q: after Benjamini-Hochberg over the comparisons it was made with; NaN where it was not
            tested for want of photos.
        sd: paired standard deviation: the interval's standard error times the root of `photos`.
        photos: (or groups) that it rests on; for a class, those that show it.
        needed: photos that would find a difference of `min_effect` in 80 % of cases.
        verdict: `better` or `worse` where q <= 0.05 and the interval excludes 0; `same` where the
            interval lies within +-`min_effect`; else `not enough data`.
        why: what the verdict `not enough data` lacks; empty otherwise.
    """

    value: float
    low: float
    high: float
    p: float
    q: float
    sd: float
    photos: int
    needed: int
    verdict: Verdict
    why: str = ""

    @property
    def lacking(self) -> int:
        """Photos that it takes to say more, in all; 0 where it is not photos that lack."""
        if self.photos < FEWEST:
            return max(FEWEST, self.needed)
        return max(self.needed, self.photos + 1) if self.verdict == "not enough data" and self.q == self.q else 0

    def as_dict(self) -> dict[str, Any]:
        """For --json: NaN becomes None."""
        values = asdict(self)
        return {key: None if isinstance(one, float) and math.isnan(one) else one for key, one in values.items()}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One result against the base.

    Attributes:
        name: of the result.
        metric: what the difference is of.
        base, score: the two scores; means over the seeds where there are several.
        seeds: runs of the base and of the result.
        difference: over all classes.
        classes: class name to the difference of its IoU.
    """

    name: str
    metric: Metric
    base: float
    score: float
    seeds: tuple[int, int]
    difference: Difference
    classes: dict[str, Difference]

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        classes = {name: one.as_dict() for name, one in self.classes.items()}
        fields = {key: getattr(self, key) for key in ("name", "metric", "base", "score", "seeds")}
        return fields | {"difference": self.difference.as_dict(), "classes": classes}


@busy("comparing")
def compare(
    base: PerImageCounts | Sequence[PerImageCounts],
    others: Mapping[str, PerImageCounts | Sequence[PerImageCounts]],
    metric: Metric = "miou_dataset",
    min_effect: float = MIN_EFFECT,
    groups: Sequence[int] | None = None,
    seed: int = 0,
    replicates: int = REPLICATES,
    swaps: int = SWAPS,
    retrained: bool = False,
) -> list[Comparison]:
    """Each of `others` against `base`, paired by photo, false discoveries controlled over all of them.

    One ledger against one compares two sets of weights or two pipelines: the swap test gives p,
    the bootstrap over photos the interval. Sequences of ledgers are runs of one recipe with
    several seeds: then the spread between seeds enters, see `_arms`.

    Args:
        base, others: counts of the same photos in the same order.
        metric: which score.
        min_effect: the smallest difference that matters, above 0.
        groups: a number for each photo; photos with one number are resampled together.
        seed: seed of all randomness.
        replicates, swaps: of the bootstrap and of the swap test.
        retrained: the question is what training otherwise does, which one run of each arm cannot tell.

    Raises:
        RecycleError: the ledgers are of different photos or class lists, or `min_effect` is no share.
    """
    if not 0 < min_effect <= 1:
        raise RecycleError(
            f"a difference of {min_effect} is no difference of scores", "use min_effect above 0, up to 1"
        )
    arms = {name: _listed(other) for name, other in others.items()}
    ours = _listed(base)
    for name, ledgers in arms.items():
        for ledger in ledgers:
            _refuse_unpaired(ours[0], ledger, name)
    classes = ours[0].class_names
    shown = [_shown(ours[0], label, groups) for label in range(len(classes))]

    def statistic(sums: Floats) -> Floats:
        return np.column_stack([score(sums, metric), class_iou(counts_of(sums, VIEW_OF[metric]))])

    found = []
    for name, ledgers in arms.items():
        rows = [[rows_of(ledger, groups) for ledger in arm] for arm in (ours, ledgers)]
        photos = [len(rows[0][0]), *shown]
        parts = _arms(rows[0], rows[1], statistic, photos, min_effect, seed, replicates, swaps, retrained)
        old, new = (float(np.mean([statistic(total(one)[None])[0, 0] for one in arm])) for arm in rows)
        sizes = (len(ours), len(ledgers))
        each = dict(zip(classes, parts[1:], strict=True))
        found.append(Comparison(name, metric, old, new, sizes, parts[0], each))
    overall = _corrected([one.difference for one in found], min_effect)
    single = _corrected([part for one in found for part in one.classes.values()], min_effect)
    step = len(classes)
    return [
        replace(
            one,
            difference=overall[number],
            classes=dict(zip(classes, single[number * step : (number + 1) * step], strict=True)),
        )
        for number, one in enumerate(found)
    ]


def _listed(ledgers: PerImageCounts | Sequence[PerImageCounts]) -> list[PerImageCounts]:
    return [ledgers] if isinstance(ledgers, PerImageCounts) else list(ledgers)


def _shown(ledger: PerImageCounts, label: int, groups: Sequence[int] | None) -> int:
    """Photos, or groups of them, that show a class in truth."""
    seen = np.flatnonzero(ledger.counts[:, 0, 1, label])
    return len(seen) if groups is None else len(set(np.asarray(groups)[seen].tolist()))


def _refuse_unpaired(base: PerImageCounts, other: PerImageCounts, name: str) -> None:
    if base.class_names != other.class_names:
        raise RecycleError(
            f"{name} tells {join_limited(other.class_names, 20)} apart, the base {join_limited(base.class_names, 20)}",
            "compare results of one class list",
        )
    if base.names != other.names:
        different = sorted(set(base.names) ^ set(other.names))
        raise RecycleError(
            f"{name} was judged on {counted(len(other), 'photo')}, the base on {len(base)}, and "
            f"{len(different)} are not in both" + (f": {join_limited(different, 3)}" if different else ""),
            "judge both on the same photos: --data with --json-path",
        )


def _arms(
    ours: list[AdditiveRows],
    theirs: list[AdditiveRows],
    statistic: Any,
    photos: list[int],
    min_effect: float,
    seed: int,
    replicates: int,
    swaps: int,
    retrained: bool,
) -> list[Difference]:
    """The untested differences of one comparison: the score's, then each class's.

    With one run on each side: the percentile interval of the paired bootstrap, p by the swap
    test. With several: the variance is that of the photos (the bootstrap of the difference of
    the arms' means) plus that of the seeds, s^2 / runs for each arm; interval and p come from
    Student's t with Welch's degrees of freedom.
    """
    first, second = (np.stack([statistic(total(rows)[None])[0] for rows in arm]) for arm in (ours, theirs))
    value = second.mean(0) - first.mean(0)
    drawn = _drawn(theirs, statistic, seed, replicates) - _drawn(ours, statistic, seed, replicates)
    known = ~np.isnan(value)
    error = np.full(len(value), np.nan)
    error[known] = np.nanstd(drawn[:, known], axis=0, ddof=1)
    if len(ours) == len(theirs) == 1:
        low, high = interval(drawn)
        p = swap_test(ours[0], theirs[0], statistic, seed, swaps)
    else:
        from scipy import stats

        spread = [
            np.var(arm, 0, ddof=1) / len(arm) if len(arm) > 1 else np.zeros(len(value)) for arm in (first, second)
        ]
        parts = np.stack([error**2, *spread])
        free = np.stack([np.array(photos) - 1, *(np.full(len(value), len(arm) - 1) for arm in (first, second))])
        variance = parts.sum(0)
        with np.errstate(all="ignore"):
            freedom = variance**2 / (parts**2 / np.maximum(free, 1)).sum(0)
            error = np.sqrt(variance)
            reach = stats.t.ppf((1 + LEVEL) / 2, freedom) * error
            p = np.where(error > 0, 2 * stats.t.sf(np.abs(value) / error, freedom), 1.0)
        low, high = value - reach, value + reach
    fewest = min(len(ours), len(theirs))
    several = retrained or len(ours) + len(theirs) > 2
    found = []
    for place, count in enumerate(photos):
        why = ""
        if count < FEWEST:
            why = f"shown by {counted(count, 'photo')}" if place else counted(count, "photo")
            why += f", {FEWEST} at least are needed"
        elif several and fewest < SEEDS:
            why = f"{counted(fewest, 'seed')} of one arm, {SEEDS} are needed"
        elif math.isnan(value[place]):
            why = "it is in neither truth nor prediction"
        sd = float(error[place]) * math.sqrt(count)
        needed = photos_needed(sd, min_effect) if math.isfinite(sd) else 0
        numbers = (float(value[place]), float(low[place]), float(high[place]), float(p[place]))
        found.append(Difference(*numbers, math.nan, sd, count, needed, "not enough data", why))
    return found


def _drawn(arm: list[AdditiveRows], statistic: Any, seed: int, replicates: int) -> Floats:
    """(B, M) replicates of the arm's mean; one seed draws the same photos for every run."""
    summed: Floats = sum(bootstrap(rows, statistic, seed, replicates) for rows in arm) / len(arm)  # type: ignore[assignment]
    return summed


def photos_needed(sd: float, min_effect: float) -> int:
    """Photos that find a paired difference of `min_effect` in 80 % of cases: ((1.96 + 0.84) sd / min_effect)^2."""
    from scipy import stats

    reach = stats.norm.ppf((1 + LEVEL) / 2) + stats.norm.ppf(POWER)
    return math.ceil((float(reach) * sd / min_effect) ** 2)


def _corrected(differences: Sequence[Difference], min_effect: float) -> list[Difference]:
    """q-values over those that can be tested (Benjamini and Hochberg, 1995), and the verdicts."""
    from scipy import stats

    tested = [number for number, one in enumerate(differences) if not one.why]
    rates = stats.false_discovery_control([differences[number].p for number in tested])
    q = dict(zip(tested, rates.tolist(), strict=True))
    return [_judged(one, q[number], min_effect) if number in q else one for number, one in enumerate(differences)]


def _judged(one: Difference, q: float, min_effect: float) -> Difference:
    if q <= RATE and (one.low > 0 or one.high < 0):
        return replace(one, q=q, verdict="better" if one.low > 0 else "worse")
    if -min_effect < one.low and one.high < min_effect:
        return replace(one, q=q, verdict="same")
    lacking = f"about {counted(max(one.needed, one.photos + 1), 'photo')} would show a difference of {min_effect:g}"
    return replace(one, q=q, verdict="not enough data", why=lacking)
