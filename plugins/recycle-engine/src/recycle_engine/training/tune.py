"""What is found before training: the largest batch that fits, and a learning rate."""

from __future__ import annotations

import copy
import logging
import math
import sys
from contextlib import nullcontext, redirect_stderr
from io import StringIO
from tempfile import TemporaryDirectory
from typing import Any

import torch
from lightning.pytorch.tuner.tuning import Tuner
from recycle_data.splits import Split

from recycle_engine.cluster import launched
from recycle_engine.library_errors import situation_of
from recycle_engine.runs import Run
from recycle_engine.training.data import PhotoData
from recycle_engine.training.module import SegmentationModule
from recycle_engine.training.trainer import make_trainer
from recyclecli.errors import RecycleError, RunFailed, counted
from recyclecli.recipe import Recipe

log = logging.getLogger("recycle.engine")

RANGE_TEST_STEPS = 100  # of the range test
SETTLED = 10  # of them, after which the smoothed loss means something
LOWEST, HIGHEST = 1e-6, 1.0  # rates that it goes through


def tuned(recipe: Recipe, split: Split, module: SegmentationModule, run: Run) -> Recipe:
    """The recipe with `train.batch_size` and `train.lr` found, where it asks for that.

    Both are found on copies of the model, on one device, with the recipe's own photos, losses and
    augmentations.

    Raises:
        RecycleError: several processes are asked for, or no rate makes the loss fall. RunFailed: out of memory.
    """
    settings = recipe.train
    if not (settings.find_batch_size or settings.find_lr):
        return recipe
    if launched() or settings.devices not in ("auto", "1") or settings.num_nodes > 1:
        raise RecycleError(
            "train.find_lr and train.find_batch_size work on one device",
            "find them with --devices 1, then set train.lr and train.batch_size",
        )
    # both keep the weights in a file meanwhile, and have bars of their own
    quiet = nullcontext() if sys.stderr.isatty() else redirect_stderr(StringIO())
    with TemporaryDirectory() as place:
        keywords: dict[str, Any] = {"logger": False, "enable_checkpointing": False, "default_root_dir": place}
        if settings.find_batch_size:
            with quiet:
                found = _batch_size(recipe, split, module, run, keywords)
            recipe = _changed(recipe, batch_size=found, find_batch_size=False)
            log.info(
                f"batch size: {found} photos"
                + ("" if _has_limit() else ", as it was: only a GPU's limit is looked for")
            )
        if settings.find_lr:
            try:
                with quiet:
                    rate = _rate(recipe, split, module, run, keywords)
            except (RuntimeError, MemoryError) as error:
                if situation_of(error) != "out-of-memory":
                    raise
                raise RunFailed(
                    f"out of memory with {counted(recipe.train.batch_size, 'photo')} at a time, "
                    "while a rate was looked for",
                    "lower train.batch_size, or have it found, too: -o train.find_batch_size=true",
                ) from error
            recipe = _changed(recipe, lr=rate, find_lr=False)
            log.info(f"learning rate: {rate:g}")
    return recipe


def _changed(recipe: Recipe, **settings: Any) -> Recipe:
    return recipe.model_copy(update={"train": recipe.train.model_copy(update=settings)})


def _rate(recipe: Recipe, split: Split, module: SegmentationModule, run: Run, keywords: dict[str, Any]) -> float:
    """A tenth of the rate at which the loss, smoothed, is lowest in the range test of Smith (2017).

    Lightning's own suggestion is the steepest slope over the rate itself, not over its logarithm, and so
    lies among the first rates, where nothing is learned.
    """
    steps = len(split.train) // (recipe.train.batch_size * recipe.train.accumulate_grad_batches)  # of an epoch
    enough = RANGE_TEST_STEPS // max(1, steps) + 1
    copied = copy.deepcopy(module)
    copied.recipe = _changed(recipe, steps=())  # those of a run by the clock would end the test
    found = Tuner(make_trainer(recipe, run, (), max_epochs=enough, **keywords)).lr_find(
        copied,
        datamodule=PhotoData(split, recipe, tells=False),
        min_lr=LOWEST,
        max_lr=HIGHEST,
        num_training=RANGE_TEST_STEPS,
        update_attr=False,
    )
    tried = list(zip(found.results["loss"], found.results["lr"], strict=True))[SETTLED:] if found else []
    finite = [(loss, rate) for loss, rate in tried if math.isfinite(loss)]
    if not finite or min(finite)[0] >= finite[0][0]:
        raise RecycleError("the range test found no learning rate: the loss never fell", "set train.lr by hand")
    return float(f"{min(finite)[1] / 10:.2g}")


def _batch_size(recipe: Recipe, split: Split, module: SegmentationModule, run: Run, keywords: dict[str, Any]) -> int:
    """The largest power of two that a GPU takes, no more than an eighth of the photos; on a processor as it is."""
    if not _has_limit():
        return recipe.train.batch_size
    most = max(2, len(split.train) // 8)
    data = PhotoData(split, recipe, tells=False)
    data.batch_size = 2
    tuner = Tuner(make_trainer(recipe, run, (), **keywords))
    trials = max(1, most.bit_length() - 1)
    found = tuner.scale_batch_size(copy.deepcopy(module), datamodule=data, init_val=2, max_trials=trials)
    return min(most, found or recipe.train.batch_size)


def _has_limit() -> bool:
    """Whether running out of memory is an error here, and not the end of the process."""
    return torch.cuda.is_available()
