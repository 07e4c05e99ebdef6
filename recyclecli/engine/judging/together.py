"""What several runs say as one: their mean, their votes, a selection of them, the mean of their weights."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from recyclecli.engine.checkpoint import read_card
from recyclecli.engine.judging.evaluate import count_together
from recyclecli.engine.judging.library import Library, Shares
from recyclecli.engine.judging.soup import write_soup
from recyclecli.engine.pipeline import Pipeline
from recyclecli.engine.predicting.members import Machine, Member, Mix
from recyclecli.engine.runs import Run
from recyclecli.judge.gate import Score, cross_pick
from recyclecli.judge.ledger import Ledger
from recyclecli.judge.scores import Metric
from recyclecli.plugins import Registry
from recyclecli.recipe import Recipe
from recyclecli.types import Source

MOST_RUNS = 8  # that are held in memory at once


def mixed(
    registry: Registry,
    seeds: Sequence[Run],
    others: Sequence[Run],
    recipe: Recipe,
    source: Source,
    metric: Metric,
    groups: Sequence[int] | None,
) -> dict[str, Ledger]:
    """Counts of the means and votes of runs that differ in their seed, and of a greedy selection among all runs.

    Weights and selections are chosen on labelled photos: each fifth of these is judged with what was
    chosen on the others. No more than `MOST_RUNS` runs are looked at.

    Args:
        registry: the installed components.
        seeds: the run that is judged, and those that differ from it in their seed.
        others: runs that differ in more; those that know other classes are left out.
        recipe: of the first run.
        source: labelled photos that none has trained on.
        metric: the score that decides.
        groups: a number for each photo; those of one number are drawn together.
    """
    known = set(read_card(seeds[0].best)["class_names"])
    every = [*seeds, *(run for run in others if set(read_card(run.best)["class_names"]) == known)]
    runs = every[:MOST_RUNS]
    if len(runs) < 2:
        return {}
    if len(every) > len(runs):
        print(f"of {len(every)} runs the first {MOST_RUNS} are tried together", file=sys.stderr)
    members = [Member(run.best, Pipeline()) for run in runs]
    library = Library(registry, members, source, Machine(), recipe.data.classes)
    count = min(len(seeds), len(runs))
    equal = tuple(float(place < count) for place in range(len(runs)))
    mixes: dict[str, Mix] = {}
    picks: dict[str, Callable[[Score], Shares]] = {}
    if count > 1:
        mixes[f"mean of {count} seeds"] = Mix(equal)
        picks[f"weighted mean of {count} seeds"] = partial(library.weighted, count)
    if count > 2:
        mixes[f"hard vote of {count} seeds"] = Mix(equal, "hard")
    picks[f"greedy selection from {len(runs)} runs"] = library.greedy
    picked = {name: cross_pick(pick, len(source), metric, groups) for name, pick in picks.items()}
    for name, one in picked.items():
        used = [(run.folder.name, share) for run, share in zip(runs, one.chosen, strict=True) if share]
        weights = " ".join(f"--weight {share:g}" for _, share in used)
        print(f"{name}: recycle ensemble {' '.join(run for run, _ in used)} {weights}", file=sys.stderr)
    chosen = dict.fromkeys(
        shares for one in picked.values() for shares in (one.chosen, *(shares for _, shares in one.without))
    )
    ledgers = count_together(registry, members, [*mixes.values(), *map(Mix, chosen)], recipe, source)
    of_shares = dict(zip(chosen, ledgers[len(mixes) :], strict=True))
    found = dict(zip(mixes, ledgers, strict=False))
    return found | {name: one.fair(of_shares.__getitem__) for name, one in picked.items()}


def soups(registry: Registry, run: Run, seeds: Sequence[Run], recipe: Recipe, source: Source) -> dict[str, Ledger]:
    """Counts of the mean of the weights: of a run's best checkpoints, and of runs that began with the same weights."""
    found: dict[str, Ledger] = {}
    files = {"seeds": [one.best for one in seeds] if recipe.train.init_from else [], "checkpoints": run.top()}
    with tempfile.TemporaryDirectory() as folder:
        for what, each in files.items():
            if len(each) > 1:
                soup = Path(folder) / f"{what}.safetensors"
                write_soup([Member(file, Pipeline()) for file in each], soup)
                (ledger,) = count_together(registry, [Member(soup, Pipeline())], [Mix((1.0,))], recipe, source)
                found[f"soup of {len(each)} {what}"] = ledger
    return found
