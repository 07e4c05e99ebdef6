"""All about one run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from recycle_data.resolve import recipe_files

from recycle_engine.history.metrics import best_row, read_metrics
from recycle_engine.history.outcome import KeptScores, read_scores
from recycle_engine.history.own_files import files_below
from recycle_engine.history.settings import SettingDifference, recipe_of_run, unlike_default, versions_of
from recycle_engine.history.summary import RunSummary, summary
from recycle_engine.runs import Run, not_a_run
from recyclecli.errors import RecycleError, counted
from recyclecli.plugins import Registry


@dataclass(frozen=True, slots=True)
class RunDetails:
    """A run.

    Attributes:
        summary: as in the list of runs.
        seed: of all chance; None where the recipe cannot be read.
        fingerprint: of the data; None where it is not known.
        settings: the keys of its recipe that differ from the recipe `default` with the same components, each with the
            default's value and its own.
        versions: what it was begun with, by name.
        scores: what `recycle eval` stored; None where it did not.
        best_epoch: the epoch of the best weights, from 1 on; None where none is done.
        best: its `train.monitor` on the validation photos, at the training size.
        monitor: what is the best of.
        seconds: of all epochs together.
        ended: how it ended, in words.
        files: path and bytes of each file in the folder, by name.
        commands: lines to go on with.
    """

    summary: RunSummary
    seed: int | None
    fingerprint: str | None
    settings: tuple[SettingDifference, ...]
    versions: dict[str, str]
    scores: KeptScores | None
    best_epoch: int | None
    best: float | None
    monitor: str
    seconds: float
    ended: str
    files: tuple[tuple[Path, int], ...]
    commands: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For --json: only JSON's own types."""
        return {
            **self.summary.as_dict(),
            "seed": self.seed,
            "fingerprint": self.fingerprint,
            "settings": {one.key: one.values[1] for one in self.settings},
            "versions": self.versions,
            "scores": self.scores and self.scores.model_dump(mode="json"),
            "best_epoch": self.best_epoch,
            "best": self.best,
            "monitor": self.monitor,
            "seconds": self.seconds,
            "ended": self.ended,
            "files": {str(file.relative_to(self.summary.folder)): size for file, size in self.files},
            "commands": list(self.commands),
        }


def details(registry: Registry, run: Run) -> RunDetails:
    """All about a run; what of it cannot be read is in the faults of its summary.

    Raises:
        RecycleError: it is none.
    """
    found = summary(run.folder)
    if found is None or found.kind not in ("run", "soup"):
        raise RecycleError(not_a_run(run.folder), "recycle runs list")
    recipe, settings, versions, rows, best = None, [], {}, [], None
    with suppress(RecycleError):
        recipe = recipe_of_run(run, recipe_files(registry))
        settings = unlike_default(registry, recipe)
    with suppress(RecycleError):
        versions = versions_of(run)
    with suppress(RecycleError):
        rows = read_metrics(run)
        best = best_row(rows, recipe.train.monitor, recipe.train.monitor_mode) if recipe else None
    scores = None
    with suppress(RecycleError):
        scores = read_scores(run)
    return RunDetails(
        found,
        recipe.seed if recipe else None,
        recipe.data.fingerprint if recipe else None,
        tuple(settings),
        versions,
        scores,
        int(rows[best[0]]["epoch"]) + 1 if best else None,
        best[1] if best else None,
        recipe.train.monitor if recipe else "",
        sum(float(row["seconds"]) for row in rows),
        _ended(found),
        tuple(files_below(run.folder)),
        tuple(_commands(run, found)),
    )


def _ended(found: RunSummary) -> str:
    done = counted(found.epochs, "epoch")
    if found.kind == "soup":
        return "the mean of other runs' weights"
    if found.state in ("training", "in use"):
        return f"{found.state}, after {done}"
    if found.state == "killed":
        return f"killed, after {found.epochs:,} of {counted(found.of, 'epoch') if found.of else 'unknown epochs'}"
    if found.of is not None and found.epochs < found.of:
        return f"stopped early, by train.patience, after {found.epochs:,} of {counted(found.of, 'epoch')}"
    return f"finished, after {done}"


def _commands(run: Run, found: RunSummary) -> Iterator[str]:
    """Lines that can be pasted, with the run's own values."""
    name = quote(str(run.folder))
    if found.resume:
        yield found.resume
    if run.best.is_file() and run.recipe.is_file():
        yield f"recycle eval {name}"
        if found.data:
            yield f"recycle predict {name} {quote(found.data)} --out {quote(f'{run.folder.absolute().name}-predicted')}"
    if found.state == "finished" and found.kind == "run" and run.recipe.is_file():
        yield f"recycle train --recipe {quote(str(run.recipe))}"
