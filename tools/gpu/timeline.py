"""Where the time of a training goes, told by a callback."""

from __future__ import annotations

import statistics
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.profilers import SimpleProfiler

from gpu.settings import settings
from gpu.timing import synchronize

STEP, FETCH = "run_training_batch", "[_TrainingEpochLoop].train_dataloader_next"  # as Lightning's profiler names them


@dataclass
class Epoch:
    """One epoch. Rates and shares leave out its first steps.

    Attributes:
        rate: images per second.
        step: seconds of a step.
        host: seconds of a step in which Python is busy with it; near `step` where the host is what limits.
        wait: share of the time in which the loop waits for photos.
        training: seconds of the training steps, the first ones among them.
        validation: seconds.
    """

    rate: float = 0.0
    step: float = 0.0
    host: float = 0.0
    wait: float = 0.0
    training: float = 0.0
    validation: float = 0.0


@dataclass
class Timeline(Callback):
    """The epochs of a training.

    Attributes:
        skip: steps at the beginning of an epoch that are not counted.
        epochs: one after the other.
        busy: per cent of the time in which the GPU worked, sampled during counted steps.
        memory: the most GiB that tensors took on the GPU.
    """

    skip: int
    epochs: list[Epoch] = field(default_factory=list)
    busy: list[int] = field(default_factory=list)
    memory: float = 0.0
    _counting: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Have Lightning note how long it waits for batches and works on them."""
        self._profiler = trainer.profiler = SimpleProfiler()
        if settings().cuda:
            torch.cuda.reset_peak_memory_stats()
            threading.Thread(target=self._sample, daemon=True).start()

    def _sample(self) -> None:
        with suppress(Exception):  # without nvidia-ml-py nothing is known, nor of a part of a card
            while not self._ended.wait(0.1):
                if self._counting.is_set():
                    self.busy.append(torch.cuda.utilization())

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin an epoch."""
        self.epochs.append(Epoch())
        self._epoch_began = time.perf_counter()
        self._count_from(0)

    def _count_from(self, step: int) -> None:
        synchronize()
        self._first, self._began = step, time.perf_counter()
        self._before = {name: len(self._profiler.recorded_durations.get(name, ())) for name in (STEP, FETCH)}
        self._counting.set()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count anew after the first steps, and add up at the last one."""
        if batch_idx + 1 < trainer.num_training_batches:
            if batch_idx + 1 == self.skip:
                self._count_from(self.skip)
            return
        synchronize()
        self._counting.clear()
        took, steps = time.perf_counter() - self._began, batch_idx + 1 - self._first
        known = self._profiler.recorded_durations
        if unknown := [name for name in (STEP, FETCH) if name not in known]:
            raise RuntimeError(f"Lightning's profiler knows no {unknown[0]}; it knows {', '.join(known)}")
        spent = {name: sum(known[name][start:]) for name, start in self._before.items()}
        epoch = self.epochs[-1]
        epoch.rate, epoch.step = steps * len(batch.ids) / took, took / steps
        epoch.host, epoch.wait = spent[STEP] / steps, spent[FETCH] / took
        epoch.training = time.perf_counter() - self._epoch_began

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin the validation."""
        synchronize()
        self._validating = time.perf_counter()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End the validation."""
        synchronize()
        if self.epochs:
            self.epochs[-1].validation = time.perf_counter() - self._validating

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look at what it took."""
        self._ended.set()
        self.memory = torch.cuda.max_memory_allocated() / 2**30 if settings().cuda else 0.0

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Stop sampling."""
        self._ended.set()

    def told(self) -> str:
        """The median of the epochs after the first, in one line."""
        later = self.epochs[1:] or self.epochs
        middle = {name: statistics.median(getattr(epoch, name) for epoch in later) for name in Epoch.__annotations__}
        parts = [
            f"{middle['rate']:.1f} images/s",
            f"{1e3 * middle['step']:.1f} ms a step ({1e3 * middle['host']:.1f} ms of Python)",
            *([f"GPU {statistics.median(self.busy):.0f} % busy"] if self.busy else []),
            f"waits for photos {middle['wait']:.1%} of the time",
            f"validation {middle['validation']:.2f} s",
            f"first epoch's training {self.epochs[0].training:.1f} s",
            *([f"{self.memory:.1f} GiB"] if self.memory else []),
        ]
        return ", ".join(parts)
