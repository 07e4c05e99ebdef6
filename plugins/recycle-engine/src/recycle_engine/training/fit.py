"""Building the parts of a recipe, and fitting them: again in smaller batches where memory does not suffice."""

from __future__ import annotations

import gc
import logging
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from shlex import quote
from traceback import walk_tb

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities.exceptions import SIGTERMException
from recycle_data.boundary import blamed_frames
from recycle_data.named_parts import Packages, encoders
from recycle_data.owned import Owned
from recycle_data.palette import palette
from recycle_data.progress import busy
from recycle_data.sources import pixel_counts
from recycle_data.splits import Split
from torch import nn

from recycle_engine.batch import build_augmentation
from recycle_engine.boundary import build
from recycle_engine.checkpoint import card
from recycle_engine.history.metrics import score_name
from recycle_engine.history.outcome import keep_end
from recycle_engine.input_shape import multiple_of, training_window
from recycle_engine.library_errors import gpu_failed, raised_by, situation_of
from recycle_engine.run_recipe import packages_of
from recycle_engine.runs import Run
from recycle_engine.training.callbacks import RelocatableCheckpoint
from recycle_engine.training.checkpoint_io import damaged
from recycle_engine.training.data import PhotoData
from recycle_engine.training.init_weights import start_from
from recycle_engine.training.loss_terms import NamesOwnLoss
from recycle_engine.training.module import SegmentationModule
from recycle_engine.training.trainer import (
    callbacks_of,
    loggers_that_cannot_write,
    make_trainer,
)
from recyclecli.errors import RecycleError, RunFailed, counted, join_limited
from recyclecli.files import FULL
from recyclecli.plugins import Registry
from recyclecli.recipe import Recipe
from recyclecli.types import LossContext, ModelContext

log = logging.getLogger("recycle.engine")

HELD_BY_CUDA = 2**30  # bytes that this process's own libraries may hold beside what torch has reserved


@dataclass(frozen=True, slots=True)
class Finished:
    """How a training ended.

    Attributes:
        run: its folder.
        how: where the split came from.
        epochs: whole epochs done, earlier ones included.
        monitor: what `best` is the best of: `train.monitor`.
        score: its name for people.
        best: that score on the validation photos, at the training size.
        first: whether this process is the first of its kind, the one that goes on from here.
        said: lines of the callbacks that the recipe names.
    """

    run: Run
    how: str
    epochs: int
    monitor: str
    score: str
    best: float
    first: bool = True
    said: tuple[str, ...] = ()


@busy("building the model")
def build_module(
    registry: Registry, recipe: Recipe, split: Split, pretrained: bool = True, made_with: Packages = {}
) -> SegmentationModule:
    """All parts of the recipe, built from its seed; no weights are fetched unless `pretrained`.

    `made_with` are the packages of a run that is resumed.
    """
    L.seed_everything(recipe.seed, verbose=False)
    names = split.train.class_names
    start = recipe.train.init_from if pretrained else None
    known = encoders(registry, made_with)
    context = ModelContext(len(names), pretrained=pretrained and start is None, encoders=known)
    model, part = build(registry, "model", recipe.model.name, recipe.model.options, context)
    part.of_type(model, nn.Module, "what it builds")
    multiple = multiple_of(part, model)
    if start is not None:
        options, without = recipe.model.options, replace(context, num_classes=len(names) + 1)
        with torch.random.fork_rng():
            wider: nn.Module = build(registry, "model", recipe.model.name, options, without)[0]
        log.info(start_from(model, wider, start, recipe.model.bare, names))
    counts = cache(lambda: pixel_counts(split.train))
    loss_context = LossContext(names, lambda: counts()[0], lambda: counts()[1])
    losses = []
    for one in recipe.loss:
        loss, part = build(registry, "loss", one.name, one.options, loss_context)
        part.of_type(loss, nn.Module, "what it builds")
        losses.append((one.weight, loss, part))
    if all(getattr(loss, "regulariser", False) and not isinstance(loss, NamesOwnLoss) for _, loss, _ in losses):
        log.warning(
            f"warning: {join_limited(one.bare for one in recipe.loss)} prefers no labels to others, and no other loss "
            "does: what the labels say is not learned\n  remedy: name one that does, too, as --loss ce"
        )
    augs = [build_augmentation(registry, part, split.train) for part in recipe.aug]
    window = training_window(split.train, recipe.data.size, multiple)
    described = card(recipe, names, palette(names, recipe.data.root), split.how, window)
    return SegmentationModule(model, losses, augs, names, registry, recipe, described, multiple)


def fit(
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
            if fitted.first:
                keep_end(run, fitted.epochs)
                Owned(run.folder).finish()
            return fitted
        recipe = fitted
        gc.collect()
        torch.cuda.empty_cache()
        Owned(run.folder).write_text(run.recipe, recipe.to_yaml())
        modules.append(build_module(registry, recipe, split, not run.last.exists(), packages_of(run.recipe)))


def _attempt(
    recipe: Recipe, split: Split, module: SegmentationModule, run: Run, more: Sequence[Callback]
) -> Finished | Recipe:
    """What came of it, or with what to try again where memory did not suffice."""
    callbacks = [*more, *callbacks_of(recipe, split, module, run)]
    trainer = make_trainer(recipe, run, callbacks)
    data = PhotoData(split, recipe)
    checkpoint = str(run.last) if run.last.exists() else None
    resume = f"go on with it: recycle train --resume {quote(str(run.folder))}"
    try:
        with loggers_that_cannot_write(), blamed_frames():
            trainer.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    except (LookupError, TypeError, AttributeError) as error:
        if checkpoint is None or not _in_restoring(error):
            raise
        raise damaged(checkpoint, f"it lacks {error}" if isinstance(error, KeyError) else str(error)) from error
    except FileNotFoundError as error:  # of a logger: its own thread has met it, and keeps its name as bytes
        gone = Path(os.fsdecode(error.filename or "")) if run.recipe.exists() else run.folder
        raise RunFailed(
            f"{gone} was moved or removed while it was written to",
            f"put it back, and {resume}",
        ) from error
    except (OSError, RunFailed) as error:
        full = error.__cause__ if isinstance(error, RunFailed) else error
        if not (isinstance(full, OSError) and full.errno in FULL and run.last.exists()):
            raise
        said = error.args[0] if isinstance(error, RunFailed) else f"the disk is full: {full.filename or run.folder}"
        raise RunFailed(said, f"free some space, then {resume}") from error
    except SystemExit as end:  # what Lightning makes of Ctrl-C, deaf to further ones
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if isinstance(end.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        if isinstance(end, SIGTERMException):  # it would end with 0, as if all were done
            raise RunFailed(
                "SIGTERM ended the training", resume if run.last.exists() else "type the same again"
            ) from None
        raise
    except (RuntimeError, MemoryError) as error:
        if raised_by(error, "torch.nn.modules.module", "load_state_dict"):
            raise RecycleError(
                f"{run.last} holds another model than {run.recipe} names: {str(error).splitlines()[1].strip()}",
                "restore the recipe, or train a new run from it: recycle train --recipe",
            ) from error
        situation = situation_of(error)
        if situation == "loader-ended":  # also where the whole group of processes gets SIGTERM
            raise RunFailed(
                f"a process that loads photos was ended: {str(error).strip()}",
                f"{resume if run.last.exists() else 'type the same again'}; where memory was short, "
                "with fewer of them: -o data.workers=0",
            ) from error
        if situation == "gpu-failed":
            with suppress(RecycleError, OSError):  # what is being written of the last epoch
                trainer.strategy.checkpoint_io.teardown()
            raise gpu_failed(error, resume if run.last.exists() else "type the same again") from error
        if situation == "peer-ended":
            raise RunFailed("another process of this training has ended", "what it said tells why") from error
        if situation != "out-of-memory":
            raise
        return _smaller(module.recipe, run, trainer.world_size, error)  # with the steps that are planned by now
    except ValueError as error:
        if raised_by(error, "torch.optim.optimizer", "load_state_dict"):
            raise RecycleError(
                f"{run.last} was written with other rates of the model's parts than {run.recipe} names: {error}",
                "restore the recipe's train section, or begin a new run from its weights: --init-from",
            ) from error
        if situation_of(error) != "one-photo":
            raise
        raise RecycleError(
            f"{recipe.model.bare} cannot learn from batches of one photo: {error}",
            "use --batch-size 2 or more, and at least two training photos, or -o train.freeze_norm=true",
        ) from error
    best = next(callback for callback in callbacks if isinstance(callback, RelocatableCheckpoint))
    score = best.best_model_score  # Lightning keeps NaN as an infinite number
    reached = float("nan") if score is None or torch.isinf(score) else float(score)
    monitor, first = recipe.train.monitor, trainer.is_global_zero
    return Finished(run, split.how, trainer.current_epoch, monitor, score_name(recipe.train), reached, first)


def _in_restoring(error: BaseException) -> bool:
    """Whether it was raised while Lightning took over what a checkpoint holds."""
    called = (frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__))
    return any(module.endswith(".checkpoint_connector") for module in called)


def _smaller(recipe: Recipe, run: Run, processes: int, error: Exception) -> Recipe:
    """The recipe with half as many photos at a time, or the next part of them, and as many in a step.

    Raises:
        RunFailed: one photo does not fit, or several processes would have to agree on it.
    """
    settings = recipe.train
    size = settings.batch_size
    part = next((part for part in range(size // 2, 0, -1) if size % part == 0), 0)
    accumulate = settings.accumulate_grad_batches * size // max(1, part)
    if not part or processes > 1:
        fewer = f"--batch-size {part} -o train.accumulate_grad_batches={accumulate} for the same step, or "
        raise RunFailed(
            f"out of memory in {run.folder} with {counted(size, 'photo')} at a time{_held_by_others()}: "
            f"{(str(error).strip() or type(error).__name__).splitlines()[0]}",
            f"{fewer if part else ''}a data.size below {recipe.data.size}, or a smaller model",
        ) from error
    log.warning(
        f"note: out of memory with {size} photos at a time{_held_by_others()}; going on from the last whole epoch with "
        f"{part} at a time and as many as before in a step"
    )
    changed = settings.model_copy(update={"batch_size": part, "accumulate_grad_batches": accumulate})
    return recipe.model_copy(update={"train": changed})


def _held_by_others() -> str:
    """How much of the GPU's memory other processes hold; "" where it is little."""
    if not torch.cuda.is_available():
        return ""
    free, whole = torch.cuda.mem_get_info()
    others = whole - free - torch.cuda.memory_reserved()
    if others < HELD_BY_CUDA:
        return ""
    return f" (other processes hold {others / 2**30:.1f} of the GPU's {whole / 2**30:.1f} GiB: see nvidia-smi)"
