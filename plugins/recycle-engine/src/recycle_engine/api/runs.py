"""Runs as functions: train, find, and the parts of a pipeline."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recycle_data.api import Place, path_of, registry
from recycle_data.progress import busy
from recycle_data.workspace import in_workspace, split_at, split_of

from recyclecli.errors import RecycleError
from recyclecli.home import expanded

log = logging.getLogger("recycle.engine")

if TYPE_CHECKING:
    from lightning.pytorch.callbacks import Callback
    from recycle_data.splits import Split

    from recycle_engine.pipeline import Pipeline
    from recycle_engine.runs import Run
    from recycle_engine.training.train import Finished
    from recyclecli.recipe import Recipe
    from recyclecli.types import Postprocessor


def find_run(run: Run | Place) -> Run:
    """A run by its folder, its name in runs/, or `last`."""
    from recycle_engine.runs import Run
    from recycle_engine.runs import find_run as find

    return run if isinstance(run, Run) else find(expanded(str(run)))


def recipe_of(run: Run | Place, data: Place | None = None) -> Recipe:
    """A run's resolved recipe, and with `data` as if its data lay in that folder.

    Components that only training needs are as the recipe says where they are not installed.
    """
    from recycle_engine.run_recipe import resolve_run

    return resolve_run(registry(), find_run(run).recipe, {} if data is None else {"data.root": path_of(data)})


def own_split(run: Run | Place, data: Place) -> Split | None:
    """The split of a run whose data lies in the folder `data`, as ever or now; None where other data lies there."""
    recipe = recipe_of(run)
    return split_at(recipe.data, path_of(data), recipe.seed)


@in_workspace
def train(
    settings: Mapping[str, Any] = {},
    recipe: Place | None = None,
    name: str | None = None,
    runs: Place | None = None,
    callbacks: Sequence[Callback] = (),
    overrides: Sequence[str] = (),
    minutes: float | None = None,
) -> Finished:
    """Train in a new run folder.

    Args:
        settings: dotted recipe keys to values, as `{"model": "fpn", "data.root": "data"}`.
        recipe: by name, or a YAML file; `settings` go before it.
        name: of the run.
        runs: folder of the runs; ./runs when left out.
        callbacks: of Lightning's, beside our own.
        overrides: `key=value` texts, whose values are read as YAML.
        minutes: that it is to take, all in all. `data.size`, `train.epochs` and `train.batch_size` are chosen for them,
            but for what `settings` and `overrides` say.

    Raises:
        RecycleError: bad input; too few minutes, or nothing left to choose for them.
    """
    from recycle_data.resolve import resolve

    from recycle_engine.training.time_plan import deadline_in, for_epochs, given_keys

    deadline = None if minutes is None else deadline_in(minutes)
    resolved = resolve(registry(), recipe, for_epochs(settings, overrides), overrides)
    given = given_keys(settings, overrides, resolved) if deadline else frozenset()
    split = split_of(resolved.data, resolved.seed)
    with busy("loading torch"):
        from recycle_engine.training.time_choice import Timed
        from recycle_engine.training.train import train as start

    timed = Timed(deadline, given) if deadline else None
    done = start(registry(), resolved, split, name, path_of(runs) if runs else None, callbacks, timed)
    if deadline and done.first:
        log.info(f"took {deadline.spent / 60:.2f} of {minutes:g} minutes")
    return done


@in_workspace
def resume(run: Run | Place, epochs: int | None = None, data: Place | None = None) -> Finished:
    """Continue a run from its last complete epoch, exactly as if it had not been interrupted.

    Args:
        run: the run.
        epochs: up to how many in all; the recipe's when left out.
        data: where its data lies now; where it lay when left out.

    A finished run stays as it is, and its callbacks are told that it is complete.

    Raises:
        RecycleError: the run has done `epochs` already, keeps no state to go on from, or its data is not what it was.
    """
    from recycle_engine.run_recipe import resolve_run
    from recyclecli.types import KINDS

    found = find_run(run)
    flags = {} if data is None else {"data.root": path_of(data)}
    resolved = resolve_run(registry(), found.recipe, flags, KINDS)
    split = split_of(resolved.data, resolved.seed)
    with busy("loading torch"):
        from recycle_engine.training.train import resume as go_on

    return go_on(registry(), resolved, split, found, epochs)


def pipeline(
    views: Sequence[str] = (), post: Sequence[str] = (), raw_weights: bool = False, sliding_window: float = 0
) -> Pipeline:
    """A pipeline by the names of its test-time views and post-processors.

    Used with a run, post-processors have the options of its recipe, where that names them, else their defaults.

    Args:
        views: see `recycle_engine.pipeline.VIEWS`.
        post: post-processors, in order.
        raw_weights: those without their average.
        sliding_window: the photo is enlarged to this many times the training size and seen window by window.

    Raises:
        RecycleError: no such view or post-processor, or a sliding window between 0 and 1.
    """
    from recycle_engine.choice_file import LARGEST_WINDOW
    from recycle_engine.pipeline import Pipeline, checked_views
    from recyclecli.recipe import ListedPart

    if sliding_window and not 1 <= sliding_window <= LARGEST_WINDOW:
        advice = f"choose 1 to {LARGEST_WINDOW:g} times the training size, or 0 for whole photos"
        raise RecycleError(f"sliding_window {sliding_window:g}", advice)
    for one in post:
        registry().find("postprocessor", one)
    parts = tuple(ListedPart(name=one) for one in post)
    return Pipeline(checked_views(views), parts, "raw" if raw_weights else "best", sliding_window)


def build_postprocessor(name: str, class_names: Sequence[str], options: Mapping[str, Any] = {}) -> Postprocessor:
    """A post-processor by its name: image (H, W, 3) uint8, probabilities (K, H, W) float32 to such probabilities."""
    from recycle_engine import boundary_arrays
    from recyclecli.types import PostprocessorContext

    context = PostprocessorContext(tuple(class_names))
    return boundary_arrays.build_postprocessor(registry(), name, options, context)
