"""From a recipe to a trained run: build the parts, wire them to Lightning's Trainer, fit.

recycle train --data DIR --plugin unetpp
recycle train --data DIR --plugin unetpp --devices 8
torchrun --nproc-per-node 8 -m recyclecli train --data DIR --plugin unetpp
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Any

from lightning.pytorch.callbacks import Callback, EarlyStopping
from recycle_coco import IGNORE_CATEGORY
from recycle_data.foreground import absent_classes
from recycle_data.label_suspicions import bare, suspicions
from recycle_data.optional import heeds_run_end
from recycle_data.owned import Owned, refuse_link
from recycle_data.split_faults import check_line
from recycle_data.splits import Split

from recycle_engine.checkpoint import read_card
from recycle_engine.distributed import is_first
from recycle_engine.environment import environment, refuse_foreign_callbacks
from recycle_engine.history.metrics import best_row, read_metrics, score_name
from recycle_engine.history.outcome import read_end
from recycle_engine.run_end import RunEnd, built, tell
from recycle_engine.run_recipe import packages_of, resolve_run
from recycle_engine.runs import RUNS, Run, new_run
from recycle_engine.training.checkpoint_io import AtomicCheckpointIO, refuse_small_disk
from recycle_engine.training.clock import clock_of
from recycle_engine.training.extend_run import NewLength
from recycle_engine.training.fit import Finished as Finished
from recycle_engine.training.fit import build_module, fit
from recycle_engine.training.leakage import refuse_leakage, warn_leakage
from recycle_engine.training.module import SegmentationModule
from recycle_engine.training.time_choice import Timed, plan, settle_size
from recycle_engine.training.time_plan import refuse_bad_steps
from recycle_engine.training.trainer import (
    possible,
    precision_of,
    switches_put_back,
)
from recycle_engine.training.tune import tuned
from recycle_engine.training_provenance import LearnedPhotos, keep_photos
from recyclecli.errors import RecycleError, counted, join_limited
from recyclecli.locks import held
from recyclecli.plugins import Registry
from recyclecli.recipe import Recipe

log = logging.getLogger("recycle.engine")

MORE = 10  # epochs that a remedy adds


def train(
    registry: Registry,
    recipe: Recipe,
    split: Split,
    name: str | None = None,
    runs: Path | None = None,
    callbacks: Sequence[Callback] = (),
    timed: Timed | None = None,
) -> Finished:
    """Train what `recipe` says in a new run folder.

    All parts are built before the folder is made. Where several processes train together, the first
    makes the folder and writes into it.

    Args:
        registry: the installed components.
        recipe: from `resolve`.
        split: from `make_split`.
        name: of the run; the model's name and a number when left out.
        runs: folder of the runs.
        callbacks: of Lightning's, beside our own.
        timed: the time that it may take, by which size and epochs are chosen.

    Raises:
        RecycleError: bad input. RunFailed: out of memory, a loss that is no number, a full disk.
    """
    refuse_foreign_callbacks()
    recipe = recipe.model_copy(update={"data": split.data, "train": possible(recipe.train)})
    monitor = recipe.train.monitor
    if monitor in split.val.class_names and monitor in absent_classes(split.val):
        raise RecycleError(
            f"train.monitor = {monitor!r}: no validation photo shows it, so it never has a score",
            "monitor miou, or hold out photos that show it",
        )
    refuse_bad_steps(recipe.train.steps)
    photos = refuse_leakage(split) if is_first() else None
    named = _named(registry, recipe, split)
    modules = [build_module(registry, recipe, split)]
    runs = runs or RUNS
    others = nullcontext(Run(runs / (name or "of-the-first-process")))
    with new_run(name, recipe.model.name, runs) if is_first() else others as run:
        done = _begin(registry, recipe, split, photos, modules, run, [*callbacks, *named], timed)
    return _told(registry, split, done, named)


def _begin(
    registry: Registry,
    recipe: Recipe,
    split: Split,
    photos: LearnedPhotos | None,
    modules: list[SegmentationModule],
    run: Run,
    callbacks: Sequence[Callback],
    timed: Timed | None,
) -> Finished:
    """Train from the beginning in a folder of its own."""
    log.info(f"training on {counted(len(split.train), 'photo')}, validating on {len(split.val)}: {split.how}")
    if none := bare(split.train):
        log.warning(
            f"note: no object in {none} of {counted(len(split.train), 'training photo')}: learned as background alone"
        )
    for line in classes_without(split):
        log.warning(line)
    if is_first():
        _tell_suspicions(recipe, split)
    if photos is not None:
        warn_leakage(registry, recipe, split, photos)
    log.info(f"run folder: {run.folder}")
    try:
        if is_first():
            refuse_small_disk(run.folder, modules[0].model, recipe)
            described = environment(registry) | {"precision": precision_of(recipe.train.precision)}
            Owned(run.folder).write_json(run.env, described, indent=1)
        if photos is not None:
            keep_photos(run, photos)
        with switches_put_back():
            if timed:
                observed = any(map(heeds_run_end, callbacks))
                recipe, settled = settle_size(recipe, split, modules.pop(), run, timed, observed)
                modules.append(build_module(registry, recipe, split))  # its card states the size
            recipe = tuned(recipe, split, modules[0], run)
            if timed:
                recipe, clock = plan(recipe, settled, timed, run)
                callbacks = [*clock, *callbacks]
            modules[0].recipe = recipe
            if is_first():
                Owned(run.folder).write_text(run.recipe, recipe.to_yaml())
            return fit(registry, recipe, split, modules, run, callbacks)
    except RecycleError:
        if is_first() and not run.checkpoints.exists() and not run.nan.exists():  # nothing to resume or to look at
            run.discard()
        raise


def classes_without(split: Split) -> Iterator[str]:
    """What to say of classes that no training photo, or no validation photo alone, shows."""
    absent = absent_classes(split.train)
    if absent:
        yield f"note: no training photo shows {join_limited(absent)}, so nothing is learned of it"
    if unscored := [name for name in absent_classes(split.val) if name not in absent]:
        yield f"note: no validation photo shows {join_limited(unscored)}, so it has no score"


def _tell_suspicions(recipe: Recipe, split: Split) -> None:
    """Say which faults `recycle data check` would find that are trained on as they are."""
    for what, source in (("training", split.train), ("validation", split.val)):
        if found := list(suspicions(source, IGNORE_CATEGORY in recipe.data.classes)):
            tells = f"  `{check_line(recipe.data)}` tells which"
            log.warning(f"warning: among the {what} photos: {'; '.join(found)}\n{tells}")
            return


def resume(registry: Registry, recipe: Recipe, split: Split, run: Run, epochs: int | None = None) -> Finished:
    """Go on with a run from the end of its last whole epoch.

    Args:
        registry: the installed components.
        recipe: the run's own.
        split: of that recipe; where it lies in another folder than the recipe says, the recipe is rewritten.
        run: which may be finished where `epochs` is more than it has done.
        epochs: up to how many in all; the recipe's when left out. From here on the rate is that of a run of so many
            epochs, and a stop by `train.patience` counts from here.

    Raises:
        RecycleError: the run has done as many epochs already.
    """
    refuse_foreign_callbacks()
    refuse_bad_steps(recipe.train.steps)
    named = _named(registry, recipe, split)
    with held(run.folder) if is_first() else nullcontext():
        done = _go_on(registry, recipe, split, run, epochs, named)
    return _told(registry, split, done, named)


def _named(registry: Registry, recipe: Recipe, split: Split) -> list[Any]:
    """The callbacks that the recipe names; those that are missing and only observe are said."""
    callbacks, missing = built(registry, recipe.train.callbacks, split.train.class_names)
    for line in missing:
        log.warning(line)
    return callbacks


def _told(registry: Registry, split: Split, done: Finished, callbacks: Sequence[Any]) -> Finished:
    """The same, with what the callbacks say of the complete run."""
    if not done.first:
        return done
    return replace(
        done, said=tuple(tell(callbacks, RunEnd(registry, done.run, resolve_run(registry, done.run.recipe), split)))
    )


def _go_on(
    registry: Registry, recipe: Recipe, split: Split, run: Run, epochs: int | None, named: Sequence[Callback]
) -> Finished:
    """Go on in a folder that no other process trains in."""
    for folder in (run.checkpoints, run.checkpoints / "top", run.folder / "tensorboard"):
        refuse_link(folder, f"rm {quote(str(folder))}, and move what it leads to into its place")
    if (end := read_end(run)) is not None and not run.last.exists():
        return _pruned(run, recipe, split, end.epochs, epochs)
    if run.best.exists() and "soup" in read_card(run.best):
        raise RecycleError(
            f"{run.folder} holds the mean of other runs' weights, and no training to go on with",
            f"begin a new run from its weights: recycle train --init-from {quote(str(run.folder))}",
        )
    recipe = recipe.model_copy(update={"data": split.data, "train": possible(recipe.train)})
    more: list[Callback] = []
    if epochs is not None and epochs != recipe.train.epochs:
        _refuse_fewer(run, epochs)
        recipe = _changed(recipe, epochs=epochs, steps=())
        schedule = recipe.train.schedule.bare
        log.info(f"{epochs} epochs in all: from here on the rate is that of schedule {schedule} over {epochs}")
        more = [NewLength()]
        done = None
    else:
        done = ended(run, recipe)
    if done is not None:  # nothing is trained, and all stays as it is
        log.info(
            f"{_is_finished(run, recipe, done)}; to train it for longer: "
            f"recycle train --resume {quote(str(run.folder))} --epochs {max(recipe.train.epochs, done) + MORE}"
        )
        recipe = _changed(recipe, epochs=done)
    else:
        recipe, clock = _with_time_left(recipe, run)
        more += clock
        if is_first():
            _record(registry, run, recipe)
    if is_first():
        run.clear_parts()
        if done is None:
            owned, of_weights = Owned(run.folder), [run.pipeline, run.scores, run.end]
            owned.refuse_foreign(of_weights, "move it away: it tells of weights that are trained on now")
            owned.remove(of_weights)
            log.info(f"going on with {run.folder}: {split.how}")
    modules = [build_module(registry, recipe, split, not run.last.exists(), packages_of(run.recipe))]
    with switches_put_back():
        return fit(registry, recipe, split, modules, run, [*more, *named])


def _with_time_left(recipe: Recipe, run: Run) -> tuple[Recipe, list[Callback]]:
    """What was planned up to the checkpoint of a run by the clock, and the callback that plans on from there."""
    if not (recipe.train.steps and run.last.exists()):
        return recipe, []
    state = AtomicCheckpointIO().load_checkpoint(run.last)
    planned = tuple(one for one in recipe.train.steps if one[0] <= state["global_step"])
    clock = clock_of(state, run)
    return (_changed(recipe, steps=planned), clock) if clock else (recipe, [])


def _is_finished(run: Run, recipe: Recipe, done: int) -> str:
    return f"{run.folder} is finished, after {done} of {recipe.train.epochs} epochs"


def _pruned(run: Run, recipe: Recipe, split: Split, done: int, epochs: int | None) -> Finished:
    """How a run ended whose last checkpoint was removed since, as any other that is finished.

    Raises:
        RecycleError: more epochs are asked for.
    """
    start = f"begin a new run from its weights: recycle train --init-from {quote(str(run.folder))}"
    if epochs not in (None, recipe.train.epochs):
        raise RecycleError(f"{_is_finished(run, recipe, done)}, and keeps no state to go on from", start)
    log.info(f"{_is_finished(run, recipe, done)}; it keeps no state to go on from: {start}")
    best = best_row(read_metrics(run), recipe.train.monitor, recipe.train.monitor_mode)
    reached = best[1] if best else float("nan")
    return Finished(run, split.how, done, recipe.train.monitor, score_name(recipe.train), reached, is_first())


def _record(registry: Registry, run: Run, recipe: Recipe) -> None:
    """Write into the run's recipe where its data lies now, for how long it is trained, and in which precision."""
    saved = resolve_run(registry, run.recipe)
    changed = {key: getattr(recipe.train, key) for key in ("epochs", "steps", "precision")}
    now = saved.model_copy(update={"data": recipe.data, "train": saved.train.model_copy(update=changed)})
    if now != saved:
        Owned(run.folder).write_text(run.recipe, now.to_yaml())


def _changed(recipe: Recipe, **settings: Any) -> Recipe:
    return recipe.model_copy(update={"train": recipe.train.model_copy(update=settings)})


def _refuse_fewer(run: Run, epochs: int) -> None:
    """Raise RecycleError where a run has done so many epochs already."""
    done = _epochs_done(AtomicCheckpointIO().load_checkpoint(run.last)) if run.last.exists() else 0
    if epochs <= done:
        raise RecycleError(
            f"{run.folder} has done {done} epochs, so --epochs {epochs} adds none",
            f"recycle train --resume {quote(str(run.folder))} --epochs {done + MORE}",
        )


def ended(run: Run, recipe: Recipe) -> int | None:
    """After how many epochs the run was over, be it that it stopped early; None where it is not."""
    if not run.last.exists():
        end = read_end(run)
        return end.epochs if end else None
    state = AtomicCheckpointIO().load_checkpoint(run.last)
    stops = [kept for name, kept in state["callbacks"].items() if name.startswith(EarlyStopping.__name__)]
    spent = recipe.train.patience and any(kept.get("wait_count", 0) >= recipe.train.patience for kept in stops)
    done, planned = _epochs_done(state), recipe.train.steps
    over = done >= recipe.train.epochs or (planned and state["global_step"] >= planned[-1][1])
    return done if spent or over else None


def _epochs_done(state: dict[str, Any]) -> int:
    return int(state["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"])
