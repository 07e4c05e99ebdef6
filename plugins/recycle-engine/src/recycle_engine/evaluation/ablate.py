"""The gate on a run: every installed inference trick, with what the runs beside it say."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

from recycle_engine.checkpoint import read_card
from recycle_engine.evaluation import related_runs
from recycle_engine.evaluation.evaluate import count
from recycle_engine.judge.compare import MIN_EFFECT
from recycle_engine.judge.gate import Candidate, Choice, Score, TrickNames, choose, cross_pick
from recycle_engine.judge.per_image_counts import PerImageCounts
from recycle_engine.judge.scores import Metric
from recycle_engine.pipeline import (
    VIEWS,
    WINDOWS,
    WITHOUT_AVERAGE,
    Pipeline,
    joined,
    with_recipes_options,
    write_choice,
)
from recycle_engine.runs import Run
from recyclecli import __version__
from recyclecli.errors import RecycleError, counted
from recyclecli.plugins import Registry
from recyclecli.recipe import ListedPart, Recipe
from recyclecli.types import PostprocessorComponent, Source

log = logging.getLogger("recycle.engine")


@dataclass(frozen=True, slots=True)
class Ablation:
    """The decisions of `ablate` about a run.

    Attributes:
        photos: judged on.
        metric: that decides.
        min_effect: the smallest gain that matters.
        tricks: inference tricks, each alone against the bare run.
        retrained: what retraining changed, by the runs beside this one.
        together: what those runs, or this one's checkpoints, do together.
        choice: which tricks go into the pipeline, and its scores.
        pipeline: what `predict` uses from now on.
    """

    photos: int
    metric: Metric
    min_effect: float
    tricks: tuple[Candidate, ...]
    retrained: tuple[Candidate, ...]
    together: tuple[Candidate, ...]
    choice: Choice
    pipeline: Pipeline

    def as_dict(self) -> dict[str, Any]:
        """For --json and pipeline.json."""
        scores = {key: getattr(self.choice, key) for key in ("base", "score", "cross_fitted")}
        return {
            "photos": self.photos,
            "metric": self.metric,
            "min_effect": self.min_effect,
            "pipeline": self.pipeline.as_dict(),
            **{key: {"value": one.value, "low": one.low, "high": one.high} for key, one in scores.items()},
            **{key: [one.as_dict() for one in getattr(self, key)] for key in ("tricks", "retrained", "together")},
        }


def ablate(
    registry: Registry,
    run: Run,
    recipe: Recipe,
    source: Source,
    how: str,
    metric: Metric = "miou_dataset",
    min_effect: float = MIN_EFFECT,
    groups: Sequence[int] | None = None,
    only: Sequence[str] = (),
    retrained: bool = True,
    search: Sequence[str] = (),
) -> Ablation:
    """Judge every trick and write the chosen pipeline into the run.

    Args:
        registry: the installed components.
        run: a run with weights.
        recipe: its recipe.
        source: labelled photos that it has not trained on.
        how: where they come from, for pipeline.json.
        metric: the score that decides.
        min_effect: the smallest gain that matters.
        groups: a number for each photo; photos with one number are resampled together.
        only: names of the tricks to try; all when empty.
        retrained: whether to look at the runs beside this one, too.
        search: post-processors whose options are searched for, too; each is judged as what its best
            options on four fifths of the photos give on the last.

    Raises:
        RecycleError: an unknown trick, one without options to search, or a photo that cannot be read.
    """
    tricks = installed_tricks(registry, run, recipe)
    for name in (*only, *search):
        if name not in tricks:
            raise RecycleError(f"no trick is called {name!r}", f"there are {', '.join(tricks)}")
    tricks = {name: trick for name, trick in tricks.items() if not only or name in (*only, *search)}
    log.info(f"trying {', '.join(tricks)} on {counted(len(source), 'photo')}: {how}")
    variants = {name: _variants(registry, tricks[name]) for name in search}
    several = [one for each in variants.values() for one in each]
    base, *ledgers = count(registry, run, recipe, source, [Pipeline(), *tricks.values(), *several])
    searched = ledgers[len(tricks) :]
    for name, each in variants.items():
        found, searched = searched[: len(each)], searched[len(each) :]
        picks = cross_pick(partial(_best, found), len(source), metric, groups)
        ledgers[list(tricks).index(name)], tricks[name] = picks.fair(found.__getitem__), each[picks.chosen]
        (part,) = tricks[name].post
        shown = part.model_copy(update={"name": part.bare}).model_dump(exclude_none=True)
        log.info(f"the best of {len(each)} for {name}: {related_runs.in_short(shown)}")

    def together(sets: Sequence[TrickNames]) -> list[PerImageCounts]:
        log.info(f"trying together: {'; '.join(' + '.join(names) for names in sets)}")
        return count(registry, run, recipe, source, [joined(tricks, names) for names in sets])

    answers, choice = choose(base, dict(zip(tricks, ledgers, strict=False)), together, metric, min_effect, groups)
    changed: list[Candidate] = []
    joint: list[Candidate] = []
    if retrained:
        changed, joint = related_runs.retrained(registry, run, recipe, source, base, metric, min_effect, groups)
    pipeline = joined(tricks, choice.kept)
    result = Ablation(len(source), metric, min_effect, tuple(answers), tuple(changed), tuple(joint), choice, pipeline)
    step = read_card(run.best).get("step")
    write_choice(run, pipeline, {"recyclecli": __version__, "step": step, "chosen_on": how, **result.as_dict()})
    return result


def installed_tricks(registry: Registry, run: Run, recipe: Recipe) -> dict[str, Pipeline]:
    """Each inference trick alone: views, post-processors that can be built, the weights without average.

    A post-processor that the recipe names is tried with the recipe's options.
    """
    tricks: dict[str, Pipeline] = {view: Pipeline(views=(view,)) for view in VIEWS}
    tricks |= {name: Pipeline(sliding_window=window) for name, window in WINDOWS.items()}
    for offer in registry.offers("postprocessor"):
        name = offer.component.name
        if offer.missing():
            log.warning(f"{name} is not tried: pip install {shlex.join(offer.missing())}")
            continue
        alone = sum(name == other.component.name for other in registry.offers("postprocessor")) == 1
        label = name if alone else offer.qualified
        tricks[label] = with_recipes_options(Pipeline(post=(ListedPart(name=offer.qualified),)), recipe)
    if run.raw.is_file() and read_card(run.raw).get("step") == read_card(run.best).get("step"):
        tricks[WITHOUT_AVERAGE] = Pipeline(weights="raw")
    return tricks


def _best(ledgers: Sequence[PerImageCounts], score: Score) -> int:
    return max(range(len(ledgers)), key=lambda place: score(ledgers[place]))


def _variants(registry: Registry, trick: Pipeline) -> list[Pipeline]:
    """A post-processor with its options as they are, and with all combinations of those worth trying."""
    if not trick.post:
        raise RecycleError(f"{trick} has no options to search", "search a post-processor: densecrf")
    (part,) = trick.post
    component = registry.find("postprocessor", part.name).component
    values = component.search if isinstance(component, PostprocessorComponent) else {}
    if not values:
        raise RecycleError(f"{part.bare} names no options worth searching", "leave it out of --search")
    combinations = (dict(zip(values, one, strict=True)) for one in product(*values.values()))
    return [trick, *(Pipeline(post=(part.model_copy(update=one),)) for one in combinations)]
