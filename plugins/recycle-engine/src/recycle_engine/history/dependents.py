"""Which runs and files in a folder of runs hold paths to others of them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from recycle_coco.json import parse_json

from recycle_engine.history.summary import read_recipe, section
from recycle_engine.runs import Run, card_of, runs_in
from recyclecli.errors import RecycleError
from recyclecli.reading import read_bytes

MAX_SCORES_BYTES = 2**24  # bytes of a NAME-folds.json that are read
FOLD_SCORES_END = "-folds.json"  # ends the name of the scores of all folds


@dataclass(frozen=True, slots=True)
class Reference:
    """Something that holds paths into runs.

    Attributes:
        by: a run's folder, or a file.
        to: the paths, without links.
        what: what that means where one of the runs is removed, in words.
    """

    by: Path
    to: tuple[str, ...]
    what: str


def dependents(run: Run, references: Collection[Reference], others: Collection[Path] = ()) -> list[str]:
    """What depends on a run, a line each; it keeps its own files, and cannot be made again.

    Args:
        run: the run.
        references: of its folder of runs.
        others: runs that are not asked.
    """
    own, left_out = os.path.realpath(run.folder), {os.path.realpath(folder) for folder in (run.folder, *others)}
    return [
        f"{one.by} {one.what}"
        for one in references
        if any(Path(place).is_relative_to(own) for place in one.to) and os.path.realpath(one.by) not in left_out
    ]


def references(runs: Path) -> Iterator[Reference]:
    """What in a folder of runs holds paths into runs."""
    for run in map(Run, runs_in(runs)):
        members = card_of(run.best).get("soup")
        if isinstance(members, list):
            places = [one[0] for one in members if isinstance(one, list) and one]
            yield Reference(run.folder, _real(places, runs), "is the mean of it and others")
        else:
            what = "began from its weights (train.init_from), and cannot be repeated without them"
            yield Reference(run.folder, _real([_start(run)], runs), what)
    for file in sorted(runs.glob(f"*{FOLD_SCORES_END}")):
        try:
            scored = parse_json(read_bytes(file, MAX_SCORES_BYTES))["runs"]
        except (RecycleError, ValueError, LookupError, TypeError):
            continue
        name = quote(file.name.removesuffix(FOLD_SCORES_END))
        again = f"scores it with other folds; recycle train --folds all --name {name} would train it again"
        yield Reference(file, _real(scored if isinstance(scored, list) else [], runs), again)


def _start(run: Run) -> object:
    """Where a run began, as its recipe says; a YAML parser takes milliseconds, so few recipes are given to it."""
    try:
        if b"\n  init_from:\n" in read_bytes(run.recipe):
            return None
        return section(read_recipe(run), "train").get("init_from")
    except RecycleError:
        return None


def _real(places: Collection[object], runs: Path) -> tuple[str, ...]:
    """Paths without links, also of such as are relative to this folder or to the one that holds runs/."""
    texts = [place for place in places if isinstance(place, str) and "\0" not in place]
    return tuple(os.path.realpath(base / place) for place in texts for base in (Path.cwd(), runs.absolute().parent))
