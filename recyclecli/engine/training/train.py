"""From a recipe to a trained run: build the parts, wire them to Lightning's Trainer, fit.

recycle train --data DIR --plugin unetpp
recycle train --data DIR --plugin unetpp --devices 8
torchrun --nproc-per-node 8 -m recyclecli train --data DIR --plugin unetpp
"""

from __future__ import annotations

import gc
import signal
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shlex import quote
from traceback import walk_tb
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch import nn

from recyclecli.data.palette import palette
from recyclecli.data.sources import pixel_counts
from recyclecli.data.splits import Split, absent_classes
from recyclecli.engine.batch import build
from recyclecli.engine.checkpoint import card, read_card
from recyclecli.engine.environment import environment, refuse_foreign_callbacks
from recyclecli.engine.learned import Photos, keep_photos
from recyclecli.engine.ranks import is_first, say
from recyclecli.engine.runs import RUNS, Run, new_run
from recyclecli.engine.training.callbacks import Keep
from recyclecli.engine.training.data import PhotoData
from recyclecli.engine.training.leaks import refuse_leaks, tell_leaks
from recyclecli.engine.training.longer import NewLength
from recyclecli.engine.training.module import SegmentationModule
from recyclecli.engine.training.saving import WholeFiles, damaged, refuse_small_disk
from recyclecli.engine.training.start import start_from
from recyclecli.engine.training.trainer import (
    callbacks_of,
    loggers_on_a_full_disk,
    make_trainer,
    possible,
    precision_of,
    switches_put_back,
)
from recyclecli.engine.training.tune import tuned
from recyclecli.errors import RecycleError, RunFailed, listed
from recyclecli.locks import held
from recyclecli.owned import Owned
from recyclecli.plugins import Registry
from recyclecli.recipe import Recipe
from recyclecli.resolve import resolve
from recyclecli.types import LossContext, ModelContext

MORE = 10  # epochs that a remedy adds
LEFT = ("Connection closed by peer", "Connection reset by peer", "NCCL communicator was aborted")
MEMORY = (  # what torch, its libraries for GPUs and the processor say where it does not suffice
    "out of memory",
    "can't allocate memory",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "nable to find an engine to execute",
)


@dataclass(frozen=True, slots=True)
class Finished:
    """How a training ended.

    Attributes:
        run: its folder.
        how: where the split came from.
        epochs: whole epochs done, earlier ones included.
        monitor: what `best` is the best of: `train.monitor`.
        best: that score on the validation photos, at the training size.
        first: whether this process is the first of its kind, the one that goes on from here.
    """

    run: Run
    how: str
    epochs: int
    monitor: str
    best: float
    first: bool = True


def train(
    registry: Registry,
    recipe: Recipe,
    split: Split,
    name: str | None = None,
    runs: Path | None = None,
    callbacks: Sequence[Callback] = (),
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

    Raises:
        RecycleError: bad input. RunFailed: out of memory, a loss that is no number, a full disk.
    """
    refuse_foreign_callbacks()
    recipe = recipe.model_copy(update={"data": split.data, "train": possible(recipe.train)})
    if recipe.train.monitor in absent_classes(split.val):
        raise RecycleError(
            f"train.monitor = {recipe.train.monitor!r}: no validation photo shows it, so it never has a score",
            "monitor miou, or hold out photos that show it",
        )
    photos = refuse_leaks(split) if is_first() else None
    modules = [_module(registry, recipe, split)]
    runs = runs or RUNS
    others = nullcontext(Run(runs / (name or "of-the-first-process")))
    with new_run(name, recipe.model.name, runs) if is_first() else others as run:
        return _begin(registry, recipe, split, photos, modules, run, callbacks)


def _begin(
    registry: Registry,
    recipe: Recipe,
    split: Split,
    photos: Photos | None,
    modules: list[SegmentationModule],
    run: Run,
    callbacks: Sequence[Callback],
) -> Finished:
    """Train from the beginning in a folder of its own."""
    say(f"training on {len(split.train)} photos, validating on {len(split.val)}: {split.how}")
    absent = absent_classes(split.train)
    if absent:
        say(f"note: no training photo shows {listed(absent)}, so nothing is learned of it")
    if photos is not None:
        tell_leaks(registry, recipe, split, photos)
    say(f"run folder: {run.folder}")
    try:
        if is_first():
            refuse_small_disk(run.folder, modules[0].model, recipe)
            described = environment(registry) | {"precision": precision_of(recipe.train.precision)}
            Owned(run.folder).write_json(run.env, described, indent=1)
        if photos is not None:
            keep_photos(run, photos)
        with switches_put_back():
            recipe = tuned(recipe, split, modules[0], run)
            modules[0].recipe = recipe
            if is_first():
                Owned(run.folder).write_text(run.recipe, recipe.to_yaml())
            return _fit(registry, recipe, split, modules, run, callbacks)
    except RecycleError:
        if is_first() and not run.checkpoints.exists() and not run.nan.exists():  # nothing to resume or to look at
            run.discard()
        raise


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
    with held(run.folder) if is_first() else nullcontext():
        return _go_on(registry, recipe, split, run, epochs)


def _go_on(registry: Registry, recipe: Recipe, split: Split, run: Run, epochs: int | None) -> Finished:
    """Go on in a folder that no other process trains in."""
    if run.best.exists() and "soup" in read_card(run.best):
        raise RecycleError(
            f"{run.folder} holds the mean of other runs' weights, and no training to go on with",
            f"begin a new run from its weights: recycle train --init-from {run.folder.name}",
        )
    recipe = recipe.model_copy(update={"data": split.data, "train": possible(recipe.train)})
    longer: list[Callback] = []
    if epochs is not None and epochs != recipe.train.epochs:
        _refuse_fewer(run, epochs)
        recipe = _of_epochs(recipe, epochs)
        say(f"{epochs} epochs in all: from here on the rate is that of schedule {recipe.train.schedule} over {epochs}")
        longer = [NewLength()]
        done = None
    else:
        done = ended(run, recipe)
    if done is not None:  # nothing is trained, and all stays as it is
        say(
            f"{run.folder} is finished, after {done} of {recipe.train.epochs} epochs; to train it for longer: "
            f"recycle train --resume {quote(str(run.folder))} --epochs {max(recipe.train.epochs, done) + MORE}"
        )
        recipe = _of_epochs(recipe, done)
    elif is_first():
        _record(registry, run, recipe)
    if is_first():
        run.clear_parts()
        if done is None and run.pipeline.exists():  # it was chosen for other weights
            owned = Owned(run.folder)
            owned.refuse_foreign([run.pipeline], "move it away: it was chosen for weights that are trained on now")
            owned.remove([run.pipeline])
    say(f"going on with {run.folder}: {split.how}")
    modules = [_module(registry, recipe, split, pretrained=not run.last.exists())]
    with switches_put_back():
        return _fit(registry, recipe, split, modules, run, longer)


def _record(registry: Registry, run: Run, recipe: Recipe) -> None:
    """Write into the run's recipe where its data lies now, for how long it is trained, and in which precision."""
    saved = resolve(registry, run.recipe)
    changed = {"epochs": recipe.train.epochs, "precision": recipe.train.precision}
    now = saved.model_copy(update={"data": recipe.data, "train": saved.train.model_copy(update=changed)})
    if now != saved:
        Owned(run.folder).write_text(run.recipe, now.to_yaml())


def _of_epochs(recipe: Recipe, epochs: int) -> Recipe:
    return recipe.model_copy(update={"train": recipe.train.model_copy(update={"epochs": epochs})})


def _refuse_fewer(run: Run, epochs: int) -> None:
    """Raise RecycleError where a run has done so many epochs already."""
    done = _epochs_done(WholeFiles().load_checkpoint(run.last)) if run.last.exists() else 0
    if epochs <= done:
        raise RecycleError(
            f"{run.folder} has done {done} epochs, so --epochs {epochs} adds none",
            f"recycle train --resume {quote(str(run.folder))} --epochs {done + MORE}",
        )


def ended(run: Run, recipe: Recipe) -> int | None:
    """After how many epochs the run was over, be it that it stopped early; None where it is not."""
    if not run.last.exists():
        return None
    state = WholeFiles().load_checkpoint(run.last)
    stops = [kept for name, kept in state["callbacks"].items() if name.startswith(EarlyStopping.__name__)]
    spent = recipe.train.patience and any(kept.get("wait_count", 0) >= recipe.train.patience for kept in stops)
    done = _epochs_done(state)
    return done if spent or done >= recipe.train.epochs else None


def _epochs_done(state: dict[str, Any]) -> int:
    return int(state["loops"]["fit_loop"]["epoch_progress"]["current"]["processed"])


def _module(registry: Registry, recipe: Recipe, split: Split, pretrained: bool = True) -> SegmentationModule:
    """All parts of the recipe, built from its seed; no weights are fetched unless `pretrained`."""
    L.seed_everything(recipe.seed, verbose=False)
    names = split.train.class_names
    start = recipe.train.init_from if pretrained else None
    context = ModelContext(len(names), pretrained=pretrained and start is None)
    model = registry.build("model", recipe.model.name, recipe.model.options, context)
    if start is not None:
        options, without = recipe.model.options, ModelContext(len(names) + 1, pretrained=False)
        with torch.random.fork_rng():
            wider: nn.Module = registry.build("model", recipe.model.name, options, without)
        say(start_from(model, wider, start, recipe.model.name, names))
    counts = cache(lambda: pixel_counts(split.train))
    loss_context = LossContext(names, lambda: counts()[0], lambda: counts()[1])
    losses = [(part.weight, registry.build("loss", part.name, part.options, loss_context)) for part in recipe.loss]
    augs = [build(registry, part, split.train) for part in recipe.aug]
    described = card(recipe, names, palette(names, recipe.data.root), split.how)
    return SegmentationModule(model, losses, augs, names, recipe, described)


def _fit(
    registry: Registry,
    recipe: Recipe,
    split: Split,
    modules: list[SegmentationModule],
    run: Run,
    more: Sequence[Callback] = (),
) -> Finished:
    """Fit the one of `modules` from the last checkpoint; where memory does not suffice, others in smaller batches.

    It is taken out of the list, so that of one that did not fit nothing is held any more.
    """
    while True:
        fitted = _attempt(recipe, split, modules.pop(), run, more)
        if isinstance(fitted, Finished):
            return fitted
        recipe = fitted
        gc.collect()
        torch.cuda.empty_cache()
        Owned(run.folder).write_text(run.recipe, recipe.to_yaml())
        modules.append(_module(registry, recipe, split, pretrained=not run.last.exists()))


def _attempt(
    recipe: Recipe, split: Split, module: SegmentationModule, run: Run, more: Sequence[Callback]
) -> Finished | Recipe:
    """What came of it, or with what to try again where memory did not suffice."""
    callbacks = [*more, *callbacks_of(recipe, split, module, run)]
    trainer = make_trainer(recipe, run, callbacks)
    data = PhotoData(split, recipe)
    checkpoint = str(run.last) if run.last.exists() else None
    try:
        with loggers_on_a_full_disk():
            trainer.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    except (LookupError, TypeError, AttributeError) as error:
        if checkpoint is None or not _in_restoring(error):
            raise
        raise damaged(checkpoint, f"it lacks {error}" if isinstance(error, KeyError) else str(error)) from error
    except SystemExit as end:  # what Lightning makes of Ctrl-C, deaf to further ones
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if isinstance(end.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        if isinstance(end, SIGTERMException):  # it would end with 0, as if all were done
            resume = f"go on with it: recycle train --resume {quote(str(run.folder))}"
            raise RunFailed(
                "SIGTERM ended the training", resume if run.last.exists() else "type the same again"
            ) from None
        raise
    except (RuntimeError, MemoryError) as error:
        if "loading state_dict" in str(error):
            raise RecycleError(
                f"{run.last} holds another model than {run.recipe} names: {str(error).splitlines()[1].strip()}",
                "restore the recipe, or train a new run from it: recycle train --recipe",
            ) from error
        if any(text in str(error) for text in LEFT):
            raise RunFailed("another process of this training has ended", "what it said tells why") from error
        if not isinstance(error, MemoryError) and not any(text in str(error) for text in MEMORY):
            raise
        return _smaller(recipe, run, trainer.world_size, error)
    except ValueError as error:
        if "parameter group" in str(error):
            raise RecycleError(
                f"{run.last} was written with other rates of the model's parts than {run.recipe} names: {error}",
                "restore the recipe's train section, or begin a new run from its weights: --init-from",
            ) from error
        if "more than 1 value per channel" not in str(error):
            raise
        raise RecycleError(
            f"{recipe.model.name} cannot learn from batches of one photo: {error}",
            "use --batch-size 2 or more, and at least two training photos, or -o train.freeze_norm=true",
        ) from error
    best = next(callback for callback in callbacks if isinstance(callback, Keep))
    reached = float("nan") if best.best_model_score is None else float(best.best_model_score)
    return Finished(run, split.how, trainer.current_epoch, recipe.train.monitor, reached, trainer.is_global_zero)


def _in_restoring(error: BaseException) -> bool:
    """Whether it was raised while Lightning took over what a checkpoint holds."""
    called = (frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__))
    return any(module.endswith(".checkpoint_connector") for module in called)


def _smaller(recipe: Recipe, run: Run, processes: int, error: Exception) -> Recipe:
    """The recipe with half as many photos at a time and as many in a step.

    Raises:
        RunFailed: they cannot be halved, or several processes would have to agree on it.
    """
    settings = recipe.train
    half = settings.batch_size // 2
    if settings.batch_size % 2 or processes > 1:
        raise RunFailed(
            f"out of memory in {run.folder}: {str(error).splitlines()[0]}",
            f"lower train.batch_size ({settings.batch_size}) or data.size ({recipe.data.size}), "
            "with train.accumulate for the same step",
        ) from error
    say(
        f"note: out of memory with {settings.batch_size} photos at a time; going on from the last whole epoch with "
        f"{half} at a time and as many as before in a step"
    )
    changed = settings.model_copy(update={"batch_size": half, "accumulate": settings.accumulate * 2})
    return recipe.model_copy(update={"train": changed})
