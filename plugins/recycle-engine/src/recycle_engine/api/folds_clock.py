"""The time that all folds of a split may take together, dealt out fold by fold."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from recycle_engine.api.runs import recipe_of

if TYPE_CHECKING:
    from recycle_engine.runs import Run
    from recycle_engine.training.time_plan import Deadline
    from recyclecli.recipe import Recipe

LEAST_SECONDS = 1.0  # seconds that a fold is given, which then says that it is too little


class FoldsClock:
    """Gives each fold an equal part of what is left, and all of them the size of the first.

    Args:
        deadline: of all of them.
        given: keys of the recipe that are not to be chosen.
        runs: of the folds; what was spent on them before counts.
    """

    def __init__(self, deadline: Deadline, given: Collection[str], runs: Sequence[Run]) -> None:
        self._deadline, self._given, self._runs = deadline, given, runs
        self._judging = 0.0
        if begun := [run for run in runs if run.last.exists()]:
            from recycle_engine.training.clock import spent_on

            deadline.before = sum(map(spent_on, begun))

    def arguments(self, fold: int, recipe: Recipe) -> list[str]:
        """What the training of a fold is told beside its recipe."""
        left = len(self._runs) - fold
        seconds = max(LEAST_SECONDS, self._deadline.left / left - self._judging)
        clock = ["--minutes", f"{seconds / 60:.6f}"]
        if fold == 0:
            sections = recipe.model_dump(mode="json")
            kept = {"data.size": sections["data"]["size"], "train.epochs": sections["train"]["epochs"]}
            kept["train.batch_size"] = sections["train"]["batch_size"]
            kept = {key: value for key, value in kept.items() if key in self._given}
        else:
            first = recipe_of(self._runs[0])
            kept = {"data.size": first.data.size, "train.batch_size": first.train.batch_size}
            kept["train.accumulate_grad_batches"] = first.train.accumulate_grad_batches
            if "train.epochs" in self._given:  # nothing is left to choose
                clock = []
        return [*clock, *(part for key, value in kept.items() for part in ("-o", f"{key}={value}"))]

    @contextmanager
    def judging(self) -> Iterator[None]:
        """Time how long the scores of a fold take: as long as those of the next."""
        began = self._deadline.spent
        yield
        self._judging = self._deadline.spent - began
