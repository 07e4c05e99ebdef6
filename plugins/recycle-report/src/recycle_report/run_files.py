"""What the report reads of a run beside its weights: metrics.csv and env.json."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from io import StringIO
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from recycle_coco.json import read_json
from recycle_engine.runs import Run

from recyclecli.errors import RecycleError, join_limited
from recyclecli.printable import short_repr
from recyclecli.reading import MissingFile, read_text

COLUMNS = {"epoch": int, "seconds": float, "train_loss": float, "val_loss": float, "val_miou": float}
LARGEST = 10_000_000  # of an epoch, and seconds of one


def read_metrics(run: Run) -> list[dict[str, str]]:
    """The rows of a run's metrics.csv, each with the numbers that the report draws; a torn last one is left out.

    Raises:
        RecycleError: there is none, or it lacks columns or holds something that is no number.
    """
    file = run.metrics
    try:
        headings, *lines = [*csv.reader(StringIO(read_text(file)))] or [[]]
        rows = [dict(zip(headings, line, strict=True)) for line in lines if len(line) == len(headings)]
    except MissingFile as error:
        raise RecycleError(f"{run.folder} has no metrics yet", "train, or resume it") from error
    except csv.Error as error:
        raise _damaged(run, str(error)) from error
    missing = [name for name in COLUMNS if name not in headings]
    if missing:
        raise _damaged(run, f"it lacks the columns {join_limited(missing)}")
    for number, row in enumerate(rows, start=2):
        for name, kind in COLUMNS.items():
            try:
                value = kind(row[name])
            except ValueError as error:
                raise _damaged(run, f"line {number}, {name}: {short_repr(row[name])} is no number") from error
            if (kind is int and not 0 <= value <= LARGEST) or (name == "seconds" and not 0 <= value <= LARGEST):
                raise _damaged(run, f"line {number}, {name}: {short_repr(row[name])} is not within 0..{LARGEST}")
    return rows


def _damaged(run: Run, cause: str) -> RecycleError:
    return RecycleError(f"{run.metrics} cannot be used: {cause}", "restore the file, or train again")


class _Environment(BaseModel):
    """What the report shows of env.json."""

    model_config = ConfigDict(frozen=True)
    recyclecli: str = "?"
    python: str = "?"
    packages: dict[str, str] = {}
    devices: list[str] = []
    plugins: dict[str, str] = {}


def read_environment(run: Run) -> Mapping[str, Any]:
    """What the run was trained with; empty where it was not written, and with a note where it cannot be used."""
    try:
        return _Environment.model_validate(read_json(run.env, "")).model_dump()
    except MissingFile:
        return {}
    except ValidationError as error:
        first = error.errors()[0]
        cause = f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"
    except RecycleError as error:
        cause = str(error.args[0])
    print(f"note: {run.env} is left out of the report: {cause}", file=sys.stderr)
    return {}
