"""What a run's weights are used with: views of the photo, post-processors, which weights."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from recycle_data.named_parts import found
from recycle_data.owned import Owned

from recycle_engine.choice_file import CHOICE_FORMAT, CHOICE_REMEDY, read_choice_file
from recycle_engine.run_recipe import packages_of
from recycle_engine.runs import Run
from recyclecli.errors import RecycleError, suggest
from recyclecli.plugins import Registry
from recyclecli.private import map_texts, without_passwords
from recyclecli.recipe import ListedPart, Recipe

View = Literal["hflip", "vflip", "rot90", "rot180", "rot270", "scale-0.75", "scale-1.25", "scale-1.5"]
VIEWS: tuple[View, ...] = get_args(View)
"""Test-time views: the model also sees the photo so, and its probabilities are averaged."""

WINDOWS = {"window-1.5": 1.5, "window-2": 2.0}
"""Tricks that let the model see more of the photo's pixels than it was trained on, window by window."""

WITHOUT_AVERAGE = "without-ema"
"""The trick of using the weights as the optimizer had them, where the run kept an average."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """From a run's weights to labels.

    Attributes:
        views: of `VIEWS`, beside the photo as it is.
        post: post-processors, in this order.
        alone: the photo is seen in the views only, and not as it is.
        sliding_window: the photo is enlarged to this many times the training size and seen through windows
            of that size; 0: it is seen whole.
        weights: `best`, which are the average where the run kept one, or `raw`, what the
            optimizer had at the same step.
    """

    views: tuple[View, ...] = ()
    post: tuple[ListedPart, ...] = ()
    weights: Literal["best", "raw"] = "best"
    sliding_window: float = 0
    alone: bool = False

    def __str__(self) -> str:
        window = [f"window-{self.sliding_window:g}"] if self.sliding_window else []
        parts = [*(["raw-weights"] if self.weights == "raw" else []), *window, *self.views]
        return " + ".join([*parts, *(part.bare for part in self.post)]) or "plain"

    def as_dict(self) -> dict[str, Any]:
        """As it is written into the run."""
        post = [part.model_dump(mode="json", exclude_none=True) for part in self.post]
        return {"weights": self.weights, "window": self.sliding_window, "views": list(self.views), "post": post}


def checked_views(names: Sequence[str]) -> tuple[View, ...]:
    """The views of these names, each once.

    Raises:
        RecycleError: there is no such view.
    """
    for name in names:
        if name not in VIEWS:
            raise RecycleError(f"no view is called {name!r}", suggest(name, VIEWS))
    return tuple(view for view in VIEWS if view in names)


def joined(tricks: Mapping[str, Pipeline], names: Collection[str]) -> Pipeline:
    """One pipeline of several tricks: all views, then all post-processors, in the order of `tricks`."""
    whole = Pipeline()
    for name in sorted(names, key=list(tricks).index):
        trick = tricks[name]
        weights = trick.weights if whole.weights == "best" else whole.weights
        sliding = max(whole.sliding_window, trick.sliding_window)
        whole = Pipeline(whole.views + trick.views, whole.post + trick.post, weights, sliding)
    return whole


def with_recipes_options(pipeline: Pipeline, recipe: Recipe) -> Pipeline:
    """Post-processors that are named without options have those of the recipe, where it names them."""
    named = {part.bare: part for part in recipe.post} | {part.name: part for part in recipe.post}
    return replace(pipeline, post=tuple(part if part.options else named.get(part.name, part) for part in pipeline.post))


def pipeline_of(registry: Registry, run: Run, recipe: Recipe) -> Pipeline:
    """The pipeline that `ablate` chose for the run, else the recipe's post-processors.

    Raises:
        RecycleError: pipeline.json is not what `write_pipeline` writes, or names what is not installed.
    """
    if not run.pipeline.exists():
        return Pipeline(post=recipe.post)
    chosen, _ = read_choice_file(run.pipeline)
    try:
        views = checked_views(chosen.views)
    except RecycleError as error:
        raise RecycleError(f"{run.pipeline} cannot be used: {error.args[0]}", CHOICE_REMEDY) from error
    made_with = packages_of(run.pipeline)
    names = [found(registry, "postprocessor", part.name, made_with).qualified for part in chosen.post]
    post = tuple(part.model_copy(update={"name": name}) for part, name in zip(chosen.post, names, strict=True))
    return Pipeline(views, post, chosen.weights, chosen.window)


def read_choice(run: Run) -> dict[str, Any]:
    """What `ablate` wrote: the pipeline, the photos it was chosen on, its cross-fitted score.

    Raises:
        RecycleError: see `read_choice_file`.
    """
    return read_choice_file(run.pipeline)[1]


def write_choice(run: Run, pipeline: Pipeline, more: dict[str, Any]) -> None:
    """Write the pipeline that `predict`, `eval` and `report` use from now on, and where it comes from."""
    described = map_texts(pipeline.as_dict(), without_passwords)
    owned = Owned(run.folder)
    owned.remove([run.scores])  # of another pipeline
    owned.write_json(run.pipeline, {"format": CHOICE_FORMAT, "pipeline": described, **more}, indent=1)
    owned.finish()
