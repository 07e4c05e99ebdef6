"""Which files of a run's folder are the run's own."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from recycle_data.owned import RECORD, Owned

from recycle_engine.history.holder import holder
from recycle_engine.runs import Run
from recyclecli.errors import RecycleError
from recyclecli.files import LEFTOVER
from recyclecli.reading import open_regular

LOCK = re.compile(r"\.(.+)\.lock")
OWN_HEAD_BYTES = 4096  # bytes at the beginning of a file by which its form is told

WEIGHTS = r"checkpoints/(best|best-raw|top/[^/]+)\.safetensors"
OWN_FORMS = (
    (WEIGHTS, (b'{"__metadata__":{"recycle":',)),
    (r"checkpoints/last\.ckpt", (b"PK\x03\x04", b"pytorch-lightning_version")),
    (r"metrics\.csv", (b"epoch,step,seconds,lr,",)),
    (r"tensorboard/events\.out\.tfevents\.[^/]+", (b"brain.Event:",)),
    (r"tensorboard/hparams\.yaml", (b"{}",)),
    (r"nan\.json", (b'"epoch":', b'"photos":')),
    (r"([^/]+/)*" + LEFTOVER.pattern, ()),
    (r"([^/]+/)*\.[^/]+\.lock\.json", (b'"pid":', b'"began":')),
)
"""Files that no record names, since they grow, are another library's, or a process was killed before it could: what
their names are, and what stands in each at its beginning. A training replaces what has these names, too."""
UNRECORDED = (
    (r"recipe\.yaml", (b"model:", b"data:")),
    (r"env\.json", (b'"recyclecli":', b'"python":')),
    (r"pipeline\.json", (b'"pipeline":',)),
    (r"report\.html", (b"<!doctype html>", b"recycle")),
)
"""Likewise, in a run of version 0.1, which kept no record."""


def own_and_others(run: Run) -> tuple[list[Path], list[Path]]:
    """The run's own files, and all else that lies in its folder: files, and links to anything.

    A file is the run's own where the record of the run, or that of its export, names it, and size and digest are as
    the record says; or where no record names it, and name and form are those of what a training writes. Records
    are in neither list.
    """
    parts = [Owned(run.folder), Owned(run.exported)]
    named = {part.base / name for part in parts for name in part.names()}
    forms = OWN_FORMS if named else OWN_FORMS + UNRECORDED
    found, links = _below(run.folder)
    proved = {file for part in parts for file in part.own(file for file in found if file.is_relative_to(part.base))}
    own, others = [], links
    for file in found:
        if file in proved or (file not in named and _has_form(run, file, forms)):
            own.append(file)
        elif file not in {part.base / RECORD for part in parts}:
            others.append(file)
    return own, others


def places_in_use(folder: Path) -> list[Path]:
    """Files and folders in a run's folder that processes hold, as `recycle report` its page."""
    locks = [(file, match) for file, _ in files_below(folder) if (match := LOCK.fullmatch(file.name))]
    places = [file.with_name(match[1]) for file, match in locks]
    return [place for place in places if holder(place) is not None]


def _below(folder: Path) -> tuple[list[Path], list[Path]]:
    """Files below a folder, and links; none is followed."""
    files, links = [], []
    for place, folders, names in os.walk(folder):
        links += [Path(place, name) for name in folders if Path(place, name).is_symlink()]
        files += [Path(place, name) for name in names]
    return sorted(files), sorted(links)


def _has_form(run: Run, file: Path, forms: Iterable[tuple[str, tuple[bytes, ...]]]) -> bool:
    name = file.relative_to(run.folder).as_posix()
    marks = next((marks for pattern, marks in forms if re.fullmatch(pattern, name)), None)
    try:
        found = file.lstat()
        if LOCK.fullmatch(file.name):  # of a process that was killed
            return stat.S_ISREG(found.st_mode) and not found.st_size
        if marks is None or not stat.S_ISREG(found.st_mode):
            return False
        with open_regular(file) as handle:
            head = handle.read(OWN_HEAD_BYTES)
    except (OSError, RecycleError):
        return False
    return all(mark in head for mark in marks)


def files_below(folder: Path) -> list[tuple[Path, int]]:
    """Each file below a folder, and its bytes; no link is followed, and none is in the list."""
    found = []
    for file in _below(folder)[0]:
        with suppress(OSError):
            state = file.lstat()
            if stat.S_ISREG(state.st_mode):
                found.append((file, state.st_size))
    return found
