"""Measuring on this machine how long a step and an epoch of a training take, at a few sizes."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from statistics import median
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from recycle_data.progress import busy
from recycle_data.splits import Split

from recycle_engine.input_shape import training_window
from recycle_engine.library_errors import situation_of
from recycle_engine.runs import Run
from recycle_engine.training.data import PhotoData
from recycle_engine.training.module import SegmentationModule
from recycle_engine.training.time_plan import Speed
from recycle_engine.training.trainer import make_trainer
from recyclecli.errors import RunFailed
from recyclecli.recipe import Recipe

Clock = Callable[[], float]

TRIAL_STEPS = 4  # that a trial takes; the first is not counted
TRIAL_BATCHES = 2  # of validation, likewise
SIDES_OF = 200  # whose sides are looked at
PROBE_SIDE = 512  # of a photo whose scores are summed, for what a judgement takes
PROBE_TIMES = 5  # that they are summed
SUMS_PER_PIXELS = 5.5  # such sums that a judgement of so many pixels takes
SUMS_PER_PHOTO = 2.0  # that the model takes for a photo alone
SUMS_PER_PICTURE = 5.0  # that a photo in a report takes
SUMS_PER_MASK = 1.0  # that reading a mask for a report takes
PICTURES = 42  # photos that a report shows at most
CPU_PIXELS = 8 * 512**2  # of a batch, above which a CPU gets it in parts: about 4 GB with the default model


class Trial(Callback):
    """Times a few steps and validation batches; `now` is a clock."""

    reads_instances = False

    def __init__(self, now: Clock) -> None:
        self._now, self._last = now, 0.0
        self.steps: list[float] = []
        self.batches: list[float] = []

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Look how many batches there are of training and of validation."""
        self.training = int(trainer.num_training_batches)
        self.validation = len(trainer.val_dataloaders)  # type: ignore[arg-type]

    def _mark(self, trainer: L.Trainer, times: list[float] | None = None) -> None:
        if trainer.strategy.root_device.type == "cuda":
            torch.cuda.synchronize()
        if times is not None:
            times.append(self._now() - self._last)
        self._last = self._now()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin to time a batch, its reading included."""
        self._mark(trainer)

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *args: Any) -> None:
        """Time a batch."""
        self._mark(trainer, self.steps)

    def on_validation_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin to time a batch."""
        self._mark(trainer)

    def on_validation_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *args: Any) -> None:
        """Time a batch."""
        self._mark(trainer, self.batches)


def with_size(recipe: Recipe, size: int, batch_kept: bool) -> Recipe:
    """The recipe at a size; on a CPU a batch of many pixels is taken in parts, unless it is `batch_kept`."""
    settings = recipe.train
    part = batch = settings.batch_size
    if not (batch_kept or torch.cuda.is_available()):
        most = max(1, CPU_PIXELS // size**2)
        part = next(one for one in range(min(most, batch), 0, -1) if batch % one == 0)
    accumulate = settings.accumulate_grad_batches * batch // part
    train = settings.model_copy(update={"batch_size": part, "accumulate_grad_batches": accumulate, "steps": ()})
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"size": size}), "train": train})


@busy("measuring how long a step takes")
def measure(recipe: Recipe, split: Split, module: SegmentationModule, run: Run, now: Clock) -> tuple[Speed, int]:
    """How fast a module, whose weights nobody needs, trains as a recipe says, and steps of an epoch.

    Raises:
        RunFailed: out of memory.
    """
    trial, accumulate = Trial(now), recipe.train.accumulate_grad_batches
    short = {"steps": ((0, TRIAL_STEPS),), "epochs": TRIAL_STEPS, "accumulate_grad_batches": 1}
    recipe = recipe.model_copy(update={"train": recipe.train.model_copy(update=short)})
    module.recipe, size, multiple = recipe, recipe.data.size, module.shape.multiple
    module.card = {**module.card, "size": size, "window": training_window(split.train, size, multiple)}
    trainer = make_trainer(
        recipe,
        run,
        [trial],
        limit_val_batches=TRIAL_BATCHES,
        logger=False,
        enable_checkpointing=False,
    )
    data = PhotoData(split, recipe, tells=False)
    world = {name: os.environ[name] for name in ("WORLD_SIZE",) if name in os.environ}
    try:
        trainer.fit(module, datamodule=data)
    except (RuntimeError, MemoryError) as error:
        if situation_of(error) != "out-of-memory":
            raise
        raise RunFailed(
            f"out of memory at data.size {recipe.data.size}, while its time was measured",
            f"choose a smaller one: -o data.size={recipe.data.size // 2}",
        ) from error
    finally:
        os.environ.update(world)  # which Lightning takes away with a trainer
    speed = Speed(_usual(trial.steps) * accumulate, _usual(trial.batches) * trial.validation)
    return speed, math.ceil(trial.training / accumulate)


def judging_seconds(split: Split, now: Clock) -> float:
    """About how long a report takes: the scores of validation photos at their own size, pictures, labels in masks."""
    source = split.val
    device = "cuda" if torch.cuda.is_available() else "cpu"
    scores = torch.zeros(len(source.class_names), PROBE_SIDE, PROBE_SIDE, device=device)
    scores.logsumexp(0).sum().item()
    times = []
    for _ in range(PROBE_TIMES):
        began = now()
        scores.logsumexp(0).sum().item()
        times.append(now() - began)
    each = median(times)  # another process may have had the core meanwhile
    records = [source.record(place) for place in range(0, len(source), max(1, len(source) // SIDES_OF))]
    area = sum(record.height * record.width for record in records) / len(records) / PROBE_SIDE**2
    masks = 0 if any(record.annotations for record in records) else len(split.train) + len(source)
    sums = len(source) * (SUMS_PER_PIXELS * area + SUMS_PER_PHOTO) + masks * SUMS_PER_MASK
    return each * (sums + min(len(source), PICTURES) * SUMS_PER_PICTURE)


def _usual(times: list[float]) -> float:
    """The mean time, without the first, in which a processor's libraries choose how to compute."""
    counted = times[1:] or times
    return sum(counted) / len(counted)
