"""Runs as functions: train, find, report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recyclecli.api.data import Place, registry
from recyclecli.errors import RecycleError

if TYPE_CHECKING:
    from lightning.pytorch.callbacks import Callback

    from recyclecli.engine.pipeline import Pipeline
    from recyclecli.engine.runs import Run
    from recyclecli.engine.train import Finished
    from recyclecli.judge.scores import Evaluation
    from recyclecli.recipe import Recipe


def find_run(run: Run | Place) -> Run:
    """A run by its folder, its name in runs/, or `last`."""
    from recyclecli.engine.runs import Run
    from recyclecli.engine.runs import find_run as find

    return run if isinstance(run, Run) else find(str(run))


def recipe_of(run: Run | Place) -> Recipe:
    """A run's resolved recipe."""
    from recyclecli.recipe import resolve

    return resolve(registry(), find_run(run).recipe)


def train(
    settings: Mapping[str, Any] = {},
    recipe: Place | None = None,
    name: str | None = None,
    runs: Place | None = None,
    callbacks: Sequence[Callback] = (),
) -> Finished:
    """Train in a new run folder.

    Args:
        settings: dotted recipe keys to values, as `{"model": "fpn", "data.root": "data"}`.
        recipe: a YAML recipe; `settings` go before it.
        name: of the run.
        runs: folder of the runs; ./runs when left out.
        callbacks: of Lightning's, beside our own.
    """
    from recyclecli.data.splits import make_split
    from recyclecli.recipe import resolve

    installed = registry()
    resolved = resolve(installed, Path(recipe) if recipe else None, settings)
    split = make_split(installed, resolved.data, resolved.seed)
    from recyclecli.engine.train import train as start

    return start(installed, resolved, split, name, Path(runs) if runs else None, callbacks)


def pipeline(
    views: Sequence[str] = (), post: Sequence[str] = (), raw_weights: bool = False, window: float = 0
) -> Pipeline:
    """A pipeline by the names of its test-time views and post-processors, with their default options.

    Args:
        views: see `recyclecli.engine.pipeline.VIEWS`.
        post: post-processors, in order.
        raw_weights: those without their average.
        window: the photo is enlarged to this many times the training size and seen window by window.

    Raises:
        RecycleError: no such view or post-processor, or a window between 0 and 1.
    """
    if window and not 1 <= window <= 16:
        raise RecycleError(f"window {window:g}", "choose 1 to 16 times the training size, or 0 for whole photos")
    from recyclecli.engine.pipeline import Pipeline, checked_views
    from recyclecli.recipe import ListedPart

    for one in post:
        registry().find("postprocessor", one)
    parts = tuple(ListedPart(name=one) for one in post)
    return Pipeline(checked_views(views), parts, "raw" if raw_weights else "best", window)


def report(run: Run | Place, file: Place | None = None) -> tuple[Path, Evaluation]:
    """Judge a run on its validation photos and write report.html; the file and the scores."""
    from recyclecli.data.splits import make_split
    from recyclecli.report.page import write_report

    recipe = recipe_of(run)
    split = make_split(registry(), recipe.data, recipe.seed)
    return write_report(registry(), find_run(run), recipe, split, Path(file) if file else None)
