"""Which runs and files beside a run hold paths to it."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from shlex import quote

from recycle_engine.history.summary import card_of, read_recipe, section
from recycle_engine.runs import Run
from recyclecli.errors import RecycleError
from recyclecli.reading import read_bytes

LARGEST = 2**24  # bytes of a NAME-folds.json that are read
FOLDS = "-folds.json"  # ends the name of the scores of all folds


def dependents(run: Run, others: Collection[Path] = ()) -> list[str]:
    """What depends on a run, a line each; none of it is lost with the run, but cannot be made again.

    Args:
        run: the run.
        others: runs that are not asked.
    """
    return [*_beside(run, {os.path.realpath(other) for other in others})]


def _beside(run: Run, others: Collection[str]) -> Iterator[str]:
    for file in sorted(run.folder.parent.glob("*/recipe.yaml")):
        other = Run(file.parent)
        if os.path.realpath(other.folder) in {*others, os.path.realpath(run.folder)}:
            continue
        soup = card_of(other.best).get("soup")
        if isinstance(soup, list) and any(isinstance(one, list) and one and _lies(one[0], run) for one in soup):
            yield f"{other.folder} is the mean of it and others, and keeps its own weights"
        elif _lies(_start(other), run):
            yield f"{other.folder} began from its weights (train.init_from): it cannot be repeated without them"
    for file in sorted(run.folder.parent.glob(f"*{FOLDS}")):
        try:
            runs = json.loads(read_bytes(file, LARGEST))["runs"]
        except (RecycleError, ValueError, LookupError, TypeError, RecursionError):
            continue
        if isinstance(runs, list) and any(_lies(one, run) for one in runs):
            name = quote(file.name.removesuffix(FOLDS))
            yield f"{file} scores it with other folds: recycle train --folds all --name {name} would train it again"


def _start(run: Run) -> object:
    """Where a run began, as its recipe says; a YAML parser takes milliseconds, so few recipes are given to it."""
    try:
        if b"\n  init_from:\n" in read_bytes(run.recipe):
            return None
        return section(read_recipe(run), "train").get("init_from")
    except RecycleError:
        return None


def _lies(place: object, run: Run) -> bool:
    """Whether a path, maybe relative to the folder that holds runs/, is within a run's folder."""
    if not isinstance(place, str) or "\0" in place:
        return False
    bases = (Path.cwd(), run.folder.parent.parent)
    return any(Path(os.path.realpath(base / place)).is_relative_to(os.path.realpath(run.folder)) for base in bases)
