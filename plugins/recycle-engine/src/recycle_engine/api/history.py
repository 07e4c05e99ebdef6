"""Runs that were trained, as functions: what there is, how they differ, and removing them. No torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recycle_data.api import Place, path_of, registry

from recycle_engine.api.runs import find_run
from recyclecli.errors import RecycleError

if TYPE_CHECKING:
    from recycle_engine.history.details import RunDetails
    from recycle_engine.history.removal import Removal
    from recycle_engine.history.settings import SettingsComparison
    from recycle_engine.history.summary import RunSummary
    from recycle_engine.runs import Run


def list_runs(runs: Place | None = None) -> list[RunSummary]:
    """All runs and other outputs in a folder, newest first; other folders are skipped.

    A run with a missing or damaged file is in the list, with what is wrong.

    Args:
        runs: folder of the runs; ./runs when left out.

    Raises:
        RecycleError: there is no such folder, or it may not be read.
    """
    from recycle_engine.history.summary import summaries
    from recycle_engine.runs import RUNS

    return summaries(path_of(runs) if runs else RUNS)


def show_run(run: Run | Place) -> RunDetails:
    """All about a run that its files tell: `list_runs` and more.

    Raises:
        RecycleError: there is no such run.
    """
    from recycle_engine.history.details import details
    from recycle_engine.runs import Run

    return details(registry(), Run(_folder(run)))


def compare_settings(runs: Sequence[Run | Place]) -> SettingsComparison:
    """Recipe keys, versions and devices in which runs differ; nothing is predicted.

    Args:
        runs: at least two.

    Raises:
        RecycleError: fewer than two, no such run, or a recipe or env.json that cannot be read.
    """
    from recycle_data.resolve import recipe_files

    from recycle_engine.history.settings import settings_differences

    if len(runs) < 2:
        raise RecycleError("one run alone cannot be compared", "name two or more")
    return settings_differences([find_run(run) for run in runs], recipe_files(registry()))


def delete_runs(runs: Sequence[Run | Place], dry_run: bool = False) -> list[Removal]:
    """Remove runs: their own files only, and folders that are then empty; no link is followed.

    Args:
        runs: the runs to remove, also those that an interrupted call removed in part.
        dry_run: remove nothing, and return what would be removed.

    Returns:
        For each run what was removed, what stays, and what depends on it.

    Raises:
        RecycleError: there is no such run, it is a link, or a process works on it, and none is removed; or a file
            cannot be removed.
    """
    from recycle_engine.history.removal import delete

    return delete(_folders(runs), dry_run)


def prune_runs(runs: Sequence[Run | Place], dry_run: bool = False) -> list[Removal]:
    """Remove the checkpoints of runs but the best; `last.ckpt` stays where the run is not finished.

    Args:
        runs: to prune.
        dry_run: remove nothing, and return what would be removed.

    Returns:
        For each run what was removed, and what stays for a reason.

    Raises:
        RecycleError: see `delete_runs`.
    """
    from recycle_engine.history.removal import prune

    return prune(_folders(runs), dry_run)


def _folders(runs: Sequence[Run | Place]) -> list[Path]:
    """The folders of runs, each once; also one that holds a run no longer, but files of one."""
    found = {os.path.abspath(folder): folder for folder in map(_folder, runs)}  # noqa: PTH100 - links stay
    return [folder if folder.name not in ("", "..") else Path(place) for place, folder in found.items()]


def _folder(run: Run | Place) -> Path:
    from recycle_engine.runs import RUNS, Run, kind_of

    try:
        return find_run(run).folder
    except RecycleError:
        if isinstance(run, Run):
            raise
        place = path_of(run)
        for folder in (place, RUNS / place):
            if folder.is_dir() and (kind_of(folder) or not any(folder.iterdir())):
                return folder
        raise
