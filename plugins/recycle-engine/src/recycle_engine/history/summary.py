"""What lies in a folder of runs, at a glance."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from shlex import quote
from typing import Any, Literal

from recycle_coco.yaml import read_yaml
from recycle_data.owned import Owned
from recycle_data.progress import track

from recycle_engine.history.holder import holder
from recycle_engine.history.metrics import MonitorMode, Row, best_row, read_metrics
from recycle_engine.history.outcome import read_end, read_scores
from recycle_engine.history.own_files import files_below
from recycle_engine.runs import OutputKind, Run, begun, kind_of
from recyclecli.errors import RecycleError
from recyclecli.printable import short_repr
from recyclecli.reading import MissingFile

RunState = Literal["training", "in use", "finished", "killed", ""]


@dataclass(frozen=True, slots=True)
class RunScore:
    """A score of a run on its validation photos.

    Attributes:
        value: in 0..1 but for `loss`.
        low, high: its 95 % interval over photos; None where it is not known.
        metric: `miou_dataset`, at the photos' own size, where `recycle eval` or the report stored it in the run;
            else what `train.monitor` names, at the training size, in the best epoch.
    """

    value: float
    low: float | None
    high: float | None
    metric: str


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run, or what else a command made in a folder of runs.

    Attributes:
        folder: where it lies.
        kind: `run`, `soup` (the mean of other runs' weights), `export`, `predictions`, or `output` of another command.
        state: of a run: `training`; `in use` by another command; `finished`; `killed`, where it is neither finished
            nor held by a process; "" of all else.
        begun: when, in local time.
        model, encoder: of the recipe; "" where they are not known.
        data: folder of the data; "" where it is not known.
        epochs: whole epochs done.
        of: epochs that the recipe asks for; None where it cannot be read.
        score: the best that is known.
        size: bytes of all files in the folder.
        resume: the line that goes on with a killed run; "" where there is nothing to go on with.
        faults: what is wrong with its files, a line each.
    """

    folder: Path
    kind: OutputKind
    state: RunState = ""
    begun: datetime | None = None
    model: str = ""
    encoder: str = ""
    data: str = ""
    epochs: int = 0
    of: int | None = None
    score: RunScore | None = None
    size: int = 0
    resume: str = ""
    faults: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For --json: only JSON's own types."""
        return {
            "name": self.folder.absolute().name,
            **asdict(self),
            "folder": str(self.folder),
            "begun": self.begun and self.begun.isoformat(timespec="seconds"),
        }


def summaries(folder: Path) -> list[RunSummary]:
    """All runs and other outputs in a folder, newest first; other folders are skipped.

    Raises:
        RecycleError: the folder is none, or may not be read.
    """
    try:
        places = sorted(Path(entry.path) for entry in os.scandir(folder) if entry.is_dir())
    except OSError as error:
        raise RecycleError(
            f"no runs in {folder.absolute()}: {error.strerror}",
            "change to the folder that holds runs/, or name the folder of the runs with --runs",
        ) from error
    found = [one for place in track(places, len(places), "reading") if (one := summary(place)) is not None]
    return sorted(found, key=lambda one: (one.begun.timestamp() if one.begun else 0.0, one.folder.name), reverse=True)


def summary(folder: Path) -> RunSummary | None:
    """What lies in a folder; None where no command made it, or where it is gone."""
    run, in_use = Run(folder), holder(folder) is not None
    kind = kind_of(folder) or ("run" if in_use else None)  # it is about to begin
    if kind is None:
        return None
    size, begin = sum(size for _, size in files_below(folder)), _begin(run)
    faults = [f"{folder} is a link to {folder.resolve()}"] if folder.is_symlink() else []
    if kind not in ("run", "soup"):
        return RunSummary(folder, kind, begun=begin, size=size, faults=tuple(faults))
    recipe, recipe_faults = _recipe(run, in_use)
    rows, row_faults = _rows(run, kind)
    train = section(recipe, "train")
    over, end_faults = is_over(run, rows, train)
    score, score_faults = _score(run, rows, train)
    state = _state(over or kind == "soup", in_use)
    file_faults = [*_file_faults(run, state)]
    model, encoder = _model(recipe)
    goes_on = state == "killed" and not recipe_faults and not run.nan.exists()
    return RunSummary(
        folder,
        kind,
        state,
        begin,
        model,
        encoder,
        str(section(recipe, "data").get("root") or ""),
        len(rows),
        _whole_number(train.get("epochs")),
        score,
        size,
        f"recycle train --resume {quote(str(folder))}" if goes_on else "",
        (*faults, *recipe_faults, *row_faults, *end_faults, *score_faults, *file_faults),
    )


def _recipe(run: Run, in_use: bool) -> tuple[Mapping[str, Any], list[str]]:
    """The run's recipe, empty where it cannot be read, and what is wrong with it as far as a glance tells."""
    try:
        recipe = read_recipe(run)
    except MissingFile:
        has_begun = run.checkpoints.exists() or run.metrics.exists()
        fault = f"{run.recipe.name} is missing" if has_begun else "it ended before its first step"
        return {}, [] if in_use else [fault]
    except RecycleError as error:
        return {}, [str(error.args[0])]
    faults = [f"{run.recipe.name}: no section {name}" for name in ("data", "train") if not section(recipe, name)]
    if not _model(recipe)[0]:
        faults.append(f"{run.recipe.name}: it names no model")
    epochs = section(recipe, "train").get("epochs", 1)
    if _whole_number(epochs) is None:
        faults.append(f"{run.recipe.name}: train.epochs = {short_repr(epochs)} is no whole number")
    return recipe, faults


def _rows(run: Run, kind: OutputKind) -> tuple[list[Row], list[str]]:
    """The rows of metrics.csv, none where it cannot be read, and what is wrong with it."""
    try:
        return [*read_metrics(run)], []
    except MissingFile:
        return [], [f"{run.metrics.name} is missing"] if run.best.is_file() and kind == "run" else []
    except RecycleError as error:
        return [], [str(error.args[0])]


def _state(over: bool, in_use: bool) -> RunState:
    if over:
        return "in use" if in_use else "finished"
    return "training" if in_use else "killed"


def _file_faults(run: Run, state: RunState) -> Iterator[str]:
    if state == "finished" and not run.best.is_file():
        yield f"{run.best.relative_to(run.folder)} is missing"
    if state == "killed" and run.nan.exists():
        yield "its loss was no number: nan.json names the photos"


def read_recipe(run: Run) -> Mapping[str, Any]:
    """The run's recipe as it is written.

    Raises:
        MissingFile: there is none.
        RecycleError: it is no mapping of sections.
    """
    tree = read_yaml(run.recipe)
    if not isinstance(tree, dict):
        raise RecycleError(f"{run.recipe} is not a recipe: a mapping of sections is expected")
    return tree


def section(tree: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A section of a recipe; empty where it is none."""
    found = tree.get(name)
    return found if isinstance(found, dict) else {}


def is_over(run: Run, rows: list[Row], train: Mapping[str, Any]) -> tuple[bool, list[str]]:
    """Whether a training is over, as its end or else its metrics say; and what is wrong with the file of its end.

    A run of an earlier version, which kept no such file, is over where it has done all epochs, or so many without a
    better score as `train.patience` allows.
    """
    fault = []
    try:
        if (end := read_end(run)) is not None:
            return len(rows) <= end.epochs, []
    except RecycleError as error:
        fault.append(str(error.args[0]))
    epochs, patience = (_whole_number(train.get(key)) for key in ("epochs", "patience"))
    best = None
    with suppress(RecycleError):
        best = best_row(rows, *_monitor(train))
    spent = patience is not None and best is not None and len(rows) - 1 - best[0] >= patience
    over = bool(rows) and (spent or (epochs is not None and len(rows) >= epochs))
    with suppress(RecycleError):
        if over and not fault and run.end.name in Owned(run.folder).names():
            fault.append(f"{run.end.name} is missing: by its metrics it is finished")
    return over, fault


def _monitor(train: Mapping[str, Any]) -> tuple[str, MonitorMode | None]:
    mode = train.get("monitor_mode")
    return str(train.get("monitor", "miou")), mode if mode in ("min", "max") else None


def _score(run: Run, rows: list[Row], train: Mapping[str, Any]) -> tuple[RunScore | None, list[str]]:
    """The score of a run, and what is wrong with the files that tell it."""
    faults = []
    try:
        kept = read_scores(run)
        if kept is not None and kept.miou_dataset is not None:
            found = kept.miou_dataset
            return RunScore(found.value, found.low, found.high, "miou_dataset"), []
    except RecycleError as error:
        faults.append(str(error.args[0]))
    monitor, mode = _monitor(train)
    try:
        best = best_row(rows, monitor, mode) if rows else None
    except RecycleError as error:
        return None, [*faults, str(error.args[0])]
    return (RunScore(best[1], None, None, monitor) if best else None), faults


def _model(recipe: Mapping[str, Any]) -> tuple[str, str]:
    model = recipe.get("model")
    if not isinstance(model, dict):
        model = {"name": model if isinstance(model, str) else ""}
    name, encoder = (str(model.get(key) or "") for key in ("name", "encoder"))
    return name.partition("@")[0], encoder


def _whole_number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _begin(run: Run) -> datetime | None:
    with suppress(OSError, ValueError, OverflowError):
        return datetime.fromtimestamp(begun(run)).astimezone()
    with suppress(OSError, ValueError, OverflowError):
        return datetime.fromtimestamp(run.folder.stat().st_mtime).astimezone()
    return None
