"""What several runs say as one: their mean, their votes, a selection of them, the mean of their weights."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from recycle_engine.evaluation.evaluate import count_together
from recycle_engine.evaluation.probability_cache import ProbabilityCache, Shares
from recycle_engine.evaluation.soup import write_soup
from recycle_engine.inference.members import EnsembleWeights, InferenceConfig, Member
from recycle_engine.judge.gate import Picks, Score, cross_pick
from recycle_engine.judge.per_image_counts import PerImageCounts
from recycle_engine.judge.scores import Metric
from recycle_engine.pipeline import Pipeline
from recycle_engine.runs import RUNS, Run
from recyclecli.plugins import Registry
from recyclecli.recipe import Recipe
from recyclecli.types import Source

log = logging.getLogger("recycle.engine")

MOST_RUNS = 8  # that are held in memory at once


def judge_ensembles(
    registry: Registry,
    seeds: Sequence[Run],
    others: Sequence[Run],
    recipe: Recipe,
    source: Source,
    metric: Metric,
    groups: Sequence[int] | None,
) -> dict[str, PerImageCounts]:
    """Counts of the means and votes of runs that differ in their seed, and of a greedy selection among all runs.

    Weights and selections are chosen on labelled photos: each fifth of these is judged with what was
    chosen on the others. All mixes are counted in one pass over the photos, in the batches in which
    every other command judges them: a processor may round differently in a batch of another size.
    No more than `MOST_RUNS` runs are looked at.

    Args:
        registry: the installed components.
        seeds: the run that is judged, and those that differ from it in their seed.
        others: runs that differ in more, of the same classes.
        recipe: of the first run.
        source: labelled photos that none has trained on.
        metric: the score that decides.
        groups: a number for each photo; photos with one number are resampled together.
    """
    every = [*seeds, *others]
    runs = every[:MOST_RUNS]
    if len(runs) < 2:
        return {}
    if len(every) > len(runs):
        log.info(f"of {len(every)} runs the first {MOST_RUNS} are tried together")
    members = [Member(run.best, Pipeline()) for run in runs]
    count = min(len(seeds), len(runs))
    equal = tuple(float(place < count) for place in range(len(runs)))
    fixed: dict[str, EnsembleWeights] = {}
    if count > 1:
        fixed[f"mean of {count} seeds"] = EnsembleWeights(equal)
    if count > 2:
        fixed[f"hard vote of {count} seeds"] = EnsembleWeights(equal, "hard")
    picks: dict[str, Picks[Shares]] = {}
    if len(source if groups is None else set(groups)) > 1:  # one alone cannot be judged with what others chose
        picks = _picks(
            ProbabilityCache(registry, members, source, InferenceConfig(), recipe.data.classes), count, metric, groups
        )
    for name, one in picks.items():
        used = [(_named(run), share) for run, share in zip(runs, one.chosen, strict=True) if share]
        weights = " ".join(f"--weight {share:g}" for _, share in used)
        log.info(f"{name}: recycle ensemble {' '.join(run for run, _ in used)} {weights}")
    if not fixed and not picks:
        return {}
    picked = (shares for pick in picks.values() for shares in (pick.chosen, *(rest for _, rest in pick.without)))
    mixes = list(dict.fromkeys([*fixed.values(), *map(EnsembleWeights, picked)]))
    counted = dict(zip(mixes, count_together(registry, members, mixes, recipe, source), strict=True))
    found = {name: counted[mix] for name, mix in fixed.items()}
    return found | {name: pick.fair(lambda shares: counted[EnsembleWeights(shares)]) for name, pick in picks.items()}


def _picks(
    library: ProbabilityCache, seeds: int, metric: Metric, groups: Sequence[int] | None
) -> dict[str, Picks[Shares]]:
    """The shares of the members that are chosen by their scores; of them the first `seeds` differ in their seed.

    A function of its own so that the library is let go of before the models are loaded again.
    """
    ways: dict[str, Callable[[Score], Shares]] = {}
    if seeds > 1:
        ways[f"weighted mean of {seeds} seeds"] = partial(library.weighted, seeds)
    ways[f"greedy selection from {library.members} runs"] = library.greedy
    return {name: cross_pick(pick, library.photos, metric, groups) for name, pick in ways.items()}


def _named(run: Run) -> str:
    """What the command line calls a run without its own pipeline."""
    place = run.folder.name if run.folder.parent.absolute() == RUNS.absolute() else run.folder
    return f"{place}+plain"


def soups(
    registry: Registry, run: Run, seeds: Sequence[Run], recipe: Recipe, source: Source
) -> dict[str, PerImageCounts]:
    """Counts of the mean of the weights: of a run's best checkpoints, and of runs that began with the same weights."""
    found: dict[str, PerImageCounts] = {}
    files = {"seeds": [one.best for one in seeds] if recipe.train.init_from else [], "checkpoints": run.top()}
    with tempfile.TemporaryDirectory() as folder:
        for what, each in files.items():
            if len(each) > 1:
                soup = Path(folder) / f"{what}.safetensors"
                write_soup([Member(file, Pipeline()) for file in each], soup)
                (ledger,) = count_together(
                    registry, [Member(soup, Pipeline())], [EnsembleWeights((1.0,))], recipe, source
                )
                found[f"soup of {len(each)} {what}"] = ledger
    return found
