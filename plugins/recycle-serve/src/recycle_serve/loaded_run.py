"""A run that answers: its model, its tricks, its classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from recycle_engine.checkpoint import TrainedModel
from recycle_engine.evaluation.ablate import installed_tricks
from recycle_engine.inference.loaded import LoadedModel, Result
from recycle_engine.inference.members import InferenceConfig, Member
from recycle_engine.inference.windows import window_starts
from recycle_engine.pipeline import WINDOWS, WITHOUT_AVERAGE, Pipeline, joined, pipeline_of
from recycle_engine.runs import Run

from recycle_serve.refusal import RequestRejected
from recyclecli.plugins import Registry
from recyclecli.recipe import Recipe

PLAIN_MODEL = "plain"


class LoadedRun:
    """One run, loaded.

    Args:
        registry: the installed components.
        run: with weights.
        recipe: its recipe.
        device: torch device; the GPU when there is one.

    Raises:
        RecycleError: the run has no weights, or they or its pipeline cannot be used.
    """

    def __init__(self, registry: Registry, run: Run, recipe: Recipe, device: str | None = None) -> None:
        self._registry, self._run, self._device = registry, run, device
        self._own = pipeline_of(registry, run, recipe)
        tricks = installed_tricks(registry, run, recipe)
        self._parts = _parts(self._own, {part.name: name for name, one in tricks.items() for part in one.post})
        self._tricks = tricks | self._parts
        self._weights: dict[tuple[Path, str], TrainedModel] = {}
        loaded = self._loaded(self._own)
        self.name = run.folder.absolute().name
        self.class_names, self.palette, self.size = loaded.class_names, loaded.palette, loaded.size

    @property
    def tricks(self) -> Mapping[str, str]:
        """Each trick that can be switched on, and which kind it is: views, windows, post-processors, weights."""
        return {name: _kind(trick) for name, trick in self._tricks.items()}

    @property
    def own(self) -> tuple[str, ...]:
        """The tricks of the run's own pipeline, which `recycle predict` uses."""
        return tuple(name for name in self._tricks if name in self._parts)

    def pipeline(self, names: Sequence[str], passes: float) -> Pipeline:
        """The pipeline of these tricks; the run's own when none is named, the bare model for `plain`.

        Names of tricks that this run lacks are passed over.

        Raises:
            RequestRejected: it would take more than `passes` of the model at its training size.
        """
        chosen = {name for name in names if name in self._tricks}
        if not names or chosen == set(self._parts):
            return self._own
        pipeline = joined(self._tricks, chosen)
        wanted = cost(pipeline, self.size)
        if wanted > passes:
            raise RequestRejected(
                422,
                f"these tricks together take {wanted:.0f} passes of the model, and {passes:g} are allowed",
                "switch off some of the views or the window",
            )
        return pipeline

    def predict(self, pixels: NDArray[np.uint8], pipeline: Pipeline, confident: bool = True) -> Result:
        """Labels (and confidences, if `confident`) of a photo (H, W, 3) uint8 RGB."""
        return self._loaded(pipeline)(pixels, confident)

    def _loaded(self, pipeline: Pipeline) -> LoadedModel:
        weights = self._run.raw if pipeline.weights == "raw" else self._run.best
        return LoadedModel(
            self._registry, [Member(weights, pipeline)], InferenceConfig(self._device), weights=self._weights
        )


def _parts(pipeline: Pipeline, called: Mapping[str, str] = {}) -> dict[str, Pipeline]:
    """A pipeline's tricks, each alone, with the options that they have in it; post-processors as they are `called`."""
    parts: dict[str, Pipeline] = {view: Pipeline(views=(view,)) for view in pipeline.views}
    if pipeline.sliding_window:
        names = {window: name for name, window in WINDOWS.items()}
        name = names.get(pipeline.sliding_window, f"window-{pipeline.sliding_window:g}")
        parts[name] = Pipeline(sliding_window=pipeline.sliding_window)
    parts |= {called.get(part.name, part.name): Pipeline(post=(part,)) for part in pipeline.post}
    return parts | ({WITHOUT_AVERAGE: Pipeline(weights="raw")} if pipeline.weights == "raw" else {})


def _kind(trick: Pipeline) -> str:
    if trick.views:
        return "views"
    if trick.sliding_window:
        return "windows"
    return "post-processors" if trick.post else "weights"


def cost(pipeline: Pipeline, size: int) -> float:
    """How often a pipeline sends the pixels of a photo as a whole through its model; windows are taken as square."""
    total = 0.0
    for view in (None, *pipeline.views):
        scale = float(view.removeprefix("scale-")) if view and view.startswith("scale-") else 1.0
        if pipeline.sliding_window:
            total += len(window_starts(round(size * pipeline.sliding_window * scale), size)) ** 2
        else:
            total += scale**2
    return total
