"""metrics.csv, and which of its columns a run is judged by."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence
from io import StringIO
from math import isfinite
from typing import Literal

from recycle_engine.runs import Run
from recyclecli.errors import RecycleError, join_limited, suggest
from recyclecli.printable import short_repr
from recyclecli.reading import MissingFile, read_text
from recyclecli.settings import TrainSection

SCORE = "val_miou"
METRIC_COLUMNS = {"epoch": int, "seconds": float, "train_loss": float, "val_loss": float, SCORE: float}
MAX_VALUE = 10_000_000  # of an epoch, and seconds of one
PER_CLASS = "iou/"  # begins the column of a class

Row = Mapping[str, str]
MonitorMode = Literal["min", "max"]


def read_metrics(run: Run) -> list[dict[str, str]]:
    """The rows of a run's metrics.csv, each with numbers in `METRIC_COLUMNS`; a torn last one is left out.

    Raises:
        MissingFile: there is none.
        RecycleError: it lacks columns, or holds something that is no number.
    """
    file = run.metrics
    try:
        headings, *lines = [*csv.reader(StringIO(read_text(file)))] or [[]]
        rows = [dict(zip(headings, line, strict=True)) for line in lines if len(line) == len(headings)]
    except MissingFile as error:
        raise MissingFile(f"{run.folder} has no metrics yet", "train, or resume it") from error
    except csv.Error as error:
        raise _damaged(run, str(error)) from error
    missing = [name for name in METRIC_COLUMNS if name not in headings]
    if missing:
        raise _damaged(run, f"it lacks the columns {join_limited(missing)}")
    for number, row in enumerate(rows, start=2):
        for name, kind in METRIC_COLUMNS.items():
            try:
                value = kind(row[name])
            except ValueError as error:
                raise _damaged(run, f"line {number}, {name}: {short_repr(row[name])} is no number") from error
            if (kind is int and not 0 <= value <= MAX_VALUE) or (name == "seconds" and not 0 <= value <= MAX_VALUE):
                raise _damaged(run, f"line {number}, {name}: {short_repr(row[name])} is not within 0..{MAX_VALUE}")
    return rows


def _damaged(run: Run, cause: str) -> RecycleError:
    return RecycleError(f"{run.metrics} cannot be used: {cause}", "restore the file, or train again")


def monitored(name: str, mode: MonitorMode | None, class_names: Collection[str]) -> tuple[str, MonitorMode]:
    """The logged score that `train.monitor` means, and which way it is better.

    Args:
        name: of the recipe.
        mode: likewise; None where it is a score of ours, whose direction is known.
        class_names: K names.

    Raises:
        RecycleError: it is neither miou nor loss nor a class, and no mode says that a callback logs it; or it is one of
            these, and a mode is given.
    """
    known = {"miou": SCORE, "loss": "val_loss"} | {one: f"{PER_CLASS}{one}" for one in class_names}
    if name not in known and mode is None:
        remedy = f"{suggest(name, known)}; of what a callback logs, say which way is better: -o train.monitor_mode=max"
        raise RecycleError(f"train.monitor = {name!r}: no such score", remedy)
    if name in known and mode is not None:
        raise RecycleError(
            f"train.monitor_mode = {mode!r}: train.monitor = {name!r} is no score of a callback",
            "leave train.monitor_mode out",
        )
    return known.get(name, name), mode or ("min" if name == "loss" else "max")


def score_name(train: TrainSection) -> str:
    """How people call what `train.monitor` means: `mIoU`, `IoU of Metal`."""
    known = {"miou": "mIoU", "loss": "loss"}
    return known.get(train.monitor, train.monitor if train.monitor_mode else f"IoU of {train.monitor}")


def best_row(rows: Sequence[Row], monitor: str, mode: MonitorMode | None) -> tuple[int, float] | None:
    """The place of the epoch with the best score, the earliest of equals, and the score; None where none is a number.

    Raises:
        RecycleError: no column is called so.
    """
    classes = [name.removeprefix(PER_CLASS) for name in (rows[0] if rows else ()) if name.startswith(PER_CLASS)]
    column, better = monitored(monitor, mode, classes)
    sign = -1 if better == "min" else 1
    best: tuple[int, float] | None = None
    for place, row in enumerate(rows):
        try:
            value = float(row[column])
        except (KeyError, ValueError):
            continue
        if isfinite(value) and (best is None or sign * value > sign * best[1]):
            best = place, value
    return best
