"""The report of a run as a function."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recycle_data.api import Place, path_of, registry
from recycle_data.workspace import in_workspace
from recycle_engine.api.runs import find_run, recipe_of

from recyclecli.locks import held

if TYPE_CHECKING:
    from recycle_engine.judge.scores import Evaluation
    from recycle_engine.runs import Run


@in_workspace
def report(run: Run | Place, file: Place | None = None, data: Place | None = None) -> tuple[Path, Evaluation]:
    """Judge a run on its validation photos and write report.html; the file and the scores.

    Args:
        run: the run.
        file: file to write; by default report.html in the run's folder.
        data: folder that the run's data lies in now.
    """
    from recycle_data.workspace import split_of

    from recycle_report.page import write_report

    found, recipe = find_run(run), recipe_of(run, data)
    split = split_of(recipe.data, recipe.seed)
    with held(path_of(file) if file else found.report):
        return write_report(registry(), found, recipe, split, path_of(file) if file else None)
