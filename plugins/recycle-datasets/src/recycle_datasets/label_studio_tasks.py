"""The tasks in an export of Label Studio: in JSON of tasks, of stored annotations, minimal, or in a table."""

import contextlib
import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recycle_coco import (
    parse_json,
)
from recycle_coco.table import CsvRows, lines_of, read_table

from recycle_datasets.labels import json_of
from recycle_datasets.recognise.label_studio import ANNOTATED, is_label_studio, is_minimal, is_stored
from recyclecli.types import RecycleError

TaskRegion = Mapping[str, Any]  # a result of an annotation; in JSON-MIN its value alone


@dataclass(slots=True)
class Task:
    """One task, whatever the form of the export."""

    file: Path
    split: str
    key: str
    data: Mapping[str, Any]
    annotations: list[Any]
    predictions: int
    upload: str


def read_tasks(file: Path, split: str, found: dict[str, Task]) -> Iterator[Task]:
    """The tasks of a file, each let go of when the next one is asked for.

    Records of JSON-MIN and stored annotations are gathered in `found`, as several may be of one task.

    Raises:
        RecycleError: no JSON, or none of Label Studio.
    """
    tabled = file.suffix.lower() in (".csv", ".tsv")
    content = list(_rows(file)) if tabled else json_of(file, "export it from Label Studio again")
    if content != [] and not is_label_studio(content):
        raise RecycleError(f"{file} holds no tasks of Label Studio", "export the tasks from it as JSON")
    ones = content if isinstance(content, list) else [content]
    for place in range(len(ones)):
        one, ones[place] = ones[place], None
        if not isinstance(one, dict):
            continue
        if is_stored(one):
            task = _task(file, split, one["task"], [one])
            known = found.setdefault(f"stored {task.key}", task)
        elif not any(name in one for name in ANNOTATED) and is_minimal(one):
            task = _task(file, split, {**one, "data": one}, [{**one, "result": [*_minimal(one)]}])
            known = found.setdefault(f"{file} {task.key}", task)
        else:
            annotations = one.get("annotations") or one.get("completions")
            yield _task(file, split, one, annotations if isinstance(annotations, list) else [])
            continue
        if known is not task:
            known.annotations += task.annotations


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    """The rows of a table as records of JSON-MIN: cells that hold lists or objects are JSON.

    Raises:
        RecycleError: it is no table.
    """
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    mark = "\t" if file.suffix.lower() == ".tsv" else ","
    try:
        for row in CsvRows(lines_of(read_table(file)), delimiter=mark):
            cells = {key: _cell(value) for key, value in row.items() if isinstance(key, str)}
            yield {key: value for key, value in cells.items() if value not in (None, "")}
    except csv.Error as error:
        raise RecycleError(f"{file} is no table: {error}", "export it from Label Studio again, as JSON") from error


def _cell(text: Any) -> Any:
    if isinstance(text, str) and text[:1] in ("[", "{"):
        with contextlib.suppress(ValueError):
            return parse_json(text)
    return text


def _task(file: Path, split: str, task: Mapping[str, Any], annotations: Sequence[Any]) -> Task:
    """A task with its annotations; its `data` and the rest are looked for in `task`."""
    data, guesses, upload = task.get("data"), task.get("predictions"), task.get("file_upload")
    return Task(
        file,
        split,
        str(task.get("id", task.get("inner_id"))),
        data if isinstance(data, dict) else {},
        [*annotations],
        len(guesses) if isinstance(guesses, list) else 0,
        upload if isinstance(upload, str) else "",
    )


def _minimal(record: Mapping[str, Any]) -> Iterator[TaskRegion]:
    """The regions of a record of JSON-MIN as results."""
    for name, values in record.items():
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, dict) and kind_of(value):
                yield {**value, "from_name": name, "value": value}


def kind_of(value: Mapping[str, Any]) -> str:
    """What a region is; "" for what has no place in the photo."""
    for key, kind in (("points", "polygon"), ("vertices", "vector"), ("rle", "brush"), ("imageDataURL", "bitmask")):
        if key in value:
            return kind
    if "radiusX" in value:
        return "ellipse"
    if "x" in value and "y" in value:
        return "box" if "height" in value else "keypoint"
    return ""
