"""Greedy selection of an ensemble on labelled photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from recycle_engine.evaluation.probability_cache import ProbabilityCache
from recycle_engine.inference.members import InferenceConfig, Member
from recycle_engine.judge.gate import cross_pick, estimate
from recycle_engine.judge.scores import Estimate, Metric
from recyclecli.errors import RecycleError
from recyclecli.plugins import Registry
from recyclecli.types import Source


@dataclass(frozen=True, slots=True)
class Selection:
    """An ensemble that was chosen.

    Attributes:
        members: the chosen ones; `share` says how often each was picked.
        picked: how often each of all members was picked, 0 for those that were not.
        score: on the photos it was chosen on, at the small size of `ProbabilityCache`, which flatters it.
        cross_fitted: each fifth of the photos scored with what the others chose.
        best_single: the best member alone, likewise cross-fitted.
    """

    members: tuple[Member, ...]
    picked: tuple[float, ...]
    score: Estimate
    cross_fitted: Estimate
    best_single: Estimate

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        picked = [{"checkpoint": str(one.weights), "picked": one.share} for one in self.members]
        scores = {key: asdict(getattr(self, key)) for key in ("score", "cross_fitted", "best_single")}
        return {"members": picked, **scores}


def select(
    registry: Registry,
    members: Sequence[Member],
    source: Source,
    metric: Metric,
    machine: InferenceConfig,
    classes: Mapping[str, Sequence[str]] = {},
    groups: Sequence[int] | None = None,
) -> Selection:
    """Pick members one by one, each as often as it helps, while the score of their mean grows; see `ProbabilityCache`.

    Args:
        registry: the installed components.
        members: at least one; their shares are not looked at.
        source: labelled photos that none has trained on.
        metric: the score that decides.
        machine: what the models run on.
        classes: the recipe's merged classes.
        groups: a number for each photo; those of one number stay together.

    Raises:
        RecycleError: there is one photo or group alone, or see `ProbabilityCache`.
    """
    if len(source) < 2 or len(set(groups or (0, 1))) < 2:
        raise RecycleError(
            "one photo, or one group of photos, cannot be both chosen on and judged on", "give more labelled photos"
        )
    library = ProbabilityCache(registry, members, source, machine, classes)
    picks, alone = (cross_pick(pick, len(source), metric, groups) for pick in (library.greedy, library.best))
    kept = [replace(one, share=share) for one, share in zip(members, picks.chosen, strict=True) if share]
    ledgers = library.counted(picks.chosen), picks.fair(library.counted), alone.fair(library.counted)
    return Selection(tuple(kept), tuple(picks.chosen), *(estimate(ledger, metric, groups) for ledger in ledgers))
