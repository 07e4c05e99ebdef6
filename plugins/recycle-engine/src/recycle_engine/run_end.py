"""The callbacks that a recipe names: built before a training, and told when the run is complete."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recycle_data.boundary import OWNER, blamed_frames, own, typed
from recycle_data.optional import heeds_run_end

from recycle_engine.boundary import build
from recycle_engine.runs import Run
from recyclecli.errors import RecycleError
from recyclecli.plugins import Registry
from recyclecli.recipe import Recipe
from recyclecli.settings import ComponentSpec
from recyclecli.types import CallbackContext

if TYPE_CHECKING:
    from recycle_data.splits import Split


@dataclass(frozen=True, slots=True)
class RunEnd:
    """What a callback's `on_run_end` is given; it returns lines for people.

    Attributes:
        registry: what is installed.
        run: complete, its best weights written.
        recipe: the run's own.
        split: that it was trained on.
    """

    registry: Registry
    run: Run
    recipe: Recipe
    split: Split


def built(
    registry: Registry, parts: Iterable[ComponentSpec], class_names: tuple[str, ...]
) -> tuple[list[Any], list[str]]:
    """The callbacks of `train.callbacks`, and a line for each that is missing and only observes.

    Raises:
        RecycleError: one is unknown, cannot be imported, or does not take its options.
    """
    from lightning.pytorch.callbacks import Callback

    callbacks, missing = [], []
    for part in parts:
        if package := registry.absent(part.name):
            missing.append(f"note: without {part.name}, which is not installed: pip install ./plugins/{package}")
            continue
        try:
            callback, of = build(registry, "callback", part.name, part.options, CallbackContext(class_names))
            of.of_type(callback, Callback, "what it builds")
            own(callback, of)
            callbacks.append(callback)
        except RecycleError:
            raise
        except Exception as error:  # of a stranger's code
            raise RecycleError(
                f"train.callbacks: {part.name}: {type(error).__name__}: {error}",
                "correct its options, or leave it out: -o train.callbacks=[]",
            ) from error
    return callbacks, missing


def tell(callbacks: Iterable[Any], end: RunEnd) -> list[str]:
    """What each callback that has an `on_run_end` says of the complete run."""
    said: list[str] = []
    for callback in callbacks:
        if heeds_run_end(callback):
            with blamed_frames():
                told: Any = callback.on_run_end(end)
            if not isinstance(told or [], (list, tuple)) or not all(isinstance(line, str) for line in told or []):
                raise vars(callback)[OWNER].fault("on_run_end to return lines, or None", typed(told))
            said += told or []
    return said
