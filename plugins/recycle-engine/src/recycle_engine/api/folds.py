"""All folds of a split, each trained by a process of its own, and one honest score of them together."""

from __future__ import annotations

import logging
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recycle_data.api import Place, path_of, registry
from recycle_data.owned import Owned
from recycle_data.workspace import in_workspace

from recycle_engine.api.evaluation import count
from recycle_engine.api.folds_clock import FoldsClock
from recycle_engine.api.judged import judged_photos
from recycle_engine.api.runs import recipe_of
from recycle_engine.api.same_recipe import refuse_another_recipe
from recyclecli.errors import RecycleError, RunFailed
from recyclecli.files import write_text
from recyclecli.locks import held

if TYPE_CHECKING:
    from recycle_engine.judge.scores import Evaluation
    from recycle_engine.runs import Run
    from recyclecli.recipe import Recipe

log = logging.getLogger("recycle.engine")


@dataclass(frozen=True, slots=True)
class TrainedFolds:
    """What `train_folds` leaves.

    Attributes:
        runs: one for each fold, NAME-fold0 and so on.
        result: the scores over all photos, each predicted by the run that did not learn from it.
        file: NAME-folds.json beside the runs, with the same.
    """

    runs: tuple[Run, ...]
    result: Evaluation
    file: Path


@in_workspace
def train_folds(
    settings: Mapping[str, Any] = {},
    recipe: Place | None = None,
    name: str | None = None,
    runs: Place | None = None,
    overrides: Sequence[str] = (),
    minutes: float | None = None,
) -> TrainedFolds:
    """Train every fold of folds.json, one after the other, and score the out-of-fold predictions.

    A fold that is trained whole is left as it is, one that was interrupted goes on: with the same
    `name` the same call can be repeated.

    Args:
        settings: dotted recipe keys to values; `data.fold` is what this sets itself.
        recipe: by name, or a YAML file; `settings` go before it.
        name: of the runs, which become NAME-fold0 and so on; the model's name when left out.
        runs: folder of the runs; ./runs when left out.
        overrides: `key=value` texts.
        minutes: that all folds are to take together, their scores included; see `train`. The first chooses the size,
            and time that was spent in earlier calls counts.

    Raises:
        RecycleError: no folds.json, or other faults of `train`. RunFailed: a fold's process ended
            with an error, which stands above.
    """
    from recycle_data.folds import FOLDS_FILE, read_listing
    from recycle_data.resolve import resolve
    from recycle_data.workspace import split_of

    from recycle_engine.judge.scores import evaluation
    from recycle_engine.runs import RUNS, Run
    from recycle_engine.training.time_plan import deadline_in, for_epochs, given_keys

    deadline = None if minutes is None else deadline_in(minutes)
    resolved = resolve(registry(), recipe, for_epochs(settings, overrides), overrides)
    given = given_keys(settings, overrides, resolved) if deadline else frozenset()
    chosen = {"data.size", "train.epochs", "train.steps"} - given if deadline else set()
    if resolved.data.fold is not None or resolved.data.train:
        raise RecycleError("all folds are asked for, and a fold or explicit files too", "leave out one of the two")
    name = name or f"{resolved.model.bare}-all"
    folds, _ = read_listing(resolved.data.root / FOLDS_FILE)
    folder = path_of(runs) if runs else RUNS
    found = tuple(Run(folder / f"{name}-fold{fold}") for fold in range(len(folds)))
    file, owned = folder / f"{name}-folds.json", Owned(folder)
    with held(file):
        owned.refuse_foreign([file], "choose another --name, or move it away")
        recipes = [_of_fold(resolved, fold) for fold in range(len(found))]
        for fold, (run, one) in enumerate(zip(found, recipes, strict=True)):
            try:
                split = split_of(one.data, one.seed)  # of all, before the first is trained
            except RecycleError as error:
                raise RecycleError(f"fold {fold}: {error.args[0]}", error.remedy) from error
            if run.recipe.exists():
                refuse_another_recipe(run, one, split, chosen)
        _refuse_another(folder / f"{name}-folds.yaml", resolved)
        ledgers = []
        clock = FoldsClock(deadline, given, found) if deadline else None
        for fold, (run, one) in enumerate(zip(found, recipes, strict=True)):
            _train_fold(one, fold, run, clock)
            with clock.judging() if clock else nullcontext():
                ledgers.append(count(run, judged_photos(run)[0]))
        whole = ledgers[0]
        for ledger in ledgers[1:]:
            whole.extend(ledger)
        result = evaluation(whole)
        if deadline:
            log.info(f"took {deadline.spent / 60:.2f} of {minutes:g} minutes")
        owned.write_json(file, {"runs": [str(run.folder) for run in found], **result.as_dict()}, indent=1)
    return TrainedFolds(found, result, file)


def _refuse_another(file: Path, recipe: Recipe) -> None:
    """Keep what was asked for; a second call of the same name must ask for the same."""
    text = recipe.to_yaml()
    if file.is_file():
        if file.read_text(encoding="utf-8") != text:
            raise RecycleError(f"{file} says that these folds are trained with another recipe", "choose another --name")
    else:
        Owned(file.parent).write_text(file, text)


def _of_fold(recipe: Recipe, fold: int) -> Recipe:
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"fold": fold})})


def _train_fold(recipe: Recipe, fold: int, run: Run, clock: FoldsClock | None) -> None:
    """Train one fold in a process of its own, or go on with it, or leave it as it is."""
    from recycle_engine.runs import RECIPE_FILE
    from recycle_engine.training.train import ended

    whole = run.recipe.is_file() and ended(run, recipe_of(run)) is not None
    if whole and (run.report.is_file() or not recipe.train.callbacks):  # a report is written when all else is done
        log.info(f"fold {fold}: {run.folder} is trained already")
    elif run.recipe.is_file():
        _run(fold, ["--resume", str(run.folder)])
    else:
        with tempfile.TemporaryDirectory() as place:
            file = Path(place) / RECIPE_FILE
            write_text(file, recipe.to_yaml())
            named = ["--recipe", str(file), "--name", run.folder.name, "--runs", str(run.folder.parent)]
            _run(fold, [*named, *(clock.arguments(fold, recipe) if clock else [])])


def _run(fold: int, arguments: list[str]) -> None:
    log.info(f"fold {fold}: recycle train {shlex.join(arguments)}")
    command = [sys.executable, "-P", "-m", "recyclecli", "train", *arguments]  # -P: nothing of the working folder
    ended = subprocess.run(command, stdout=sys.stderr, check=False)
    if ended.returncode == 130:
        raise KeyboardInterrupt
    if ended.returncode == 2:
        together = "; --minutes is the time of all folds together" if "--minutes" in arguments else ""
        raise RecycleError(f"fold {fold} was refused", f"what it said stands above{together}")
    if ended.returncode:
        raise RunFailed(
            f"fold {fold} ended with exit code {ended.returncode}; what it said stands above",
            "mend that, then type the same command again: what is trained is kept",
        )
