"""Losses that are no number: found before they reach the weights on disk."""

from __future__ import annotations

from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback

from recyclecli.engine.ranks import say
from recyclecli.engine.runs import Run
from recyclecli.errors import RunFailed, listed
from recyclecli.files import write_json
from recyclecli.recipe import Recipe
from recyclecli.types import Batch, Source


class NotANumber(Callback):
    """Stops at a loss that is NaN or infinite and names the photos of its batch, or leaves its step out.

    To stop, a step's loss is looked at during the next one, so that a GPU never waits. To skip, it
    is looked at once: gradients of the step are dropped, and running statistics are put back.
    """

    def __init__(self, run: Run, recipe: Recipe, photos: Source) -> None:
        self._run = run
        self._photos = photos
        self._recipe = recipe
        self._skips = recipe.train.on_nan == "skip"
        self._seen: _Seen | None = None
        self._ids = torch.zeros(0)
        self._buffers: list[torch.Tensor] = []
        self._void = False
        self._skipped = 0

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Batch, batch_idx: int
    ) -> None:
        """Remember whose batch it is."""
        self._ids = batch.ids
        if self._skips:
            self._buffers = [buffer.clone() for buffer in pl_module.buffers()]

    def on_before_backward(self, trainer: L.Trainer, pl_module: L.LightningModule, loss: torch.Tensor) -> None:
        """Look at the loss of the step before, or at this one."""
        finite = torch.isfinite(loss.detach())
        if not self._skips:
            self._check()
            self._seen = _Seen(finite, loss.detach(), self._ids, trainer.current_epoch, trainer.global_step)
            return
        if torch.distributed.is_initialized():
            agreed = finite.float()
            torch.distributed.all_reduce(agreed, torch.distributed.ReduceOp.MIN)
            finite = agreed > 0
        if not bool(finite):
            self._void = True
            self._skipped += 1

    def on_before_optimizer_step(self, trainer: L.Trainer, pl_module: L.LightningModule, optimizer: Any) -> None:
        """Drop the gradients of a step with such a loss, and what it did to running statistics."""
        if self._void:
            self._void = False
            pl_module.zero_grad()
            for buffer, before in zip(pl_module.buffers(), self._buffers, strict=True):
                buffer.copy_(before)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Look at the last step, before the epoch's checkpoints are written."""
        self._check()
        if self._skipped:
            say(f"note: {self._skipped} batches of the epoch had a loss that is no number, and were left out")
            self._skipped = 0

    def _check(self) -> None:
        seen, self._seen = self._seen, None
        if seen is None or seen.is_finite():
            return
        names = [self._photos.record(index).file_name for index in seen.ids.tolist()]
        file = self._run.nan
        write_json(file, {"epoch": seen.epoch, "step": seen.step, "seed": self._recipe.seed, "photos": names}, indent=1)
        raise RunFailed(
            f"the training loss is {float(seen.loss)} at step {seen.step + 1}, epoch {seen.epoch + 1}, "
            f"on photos {listed(names, 3)}; all are in {file}",
            "lower train.lr, use --precision 32, or leave such steps out: -o train.on_nan=skip; "
            "the last good epoch is kept",
        )


class _Seen:
    """A loss on its way to the processor."""

    def __init__(self, finite: torch.Tensor, loss: torch.Tensor, ids: torch.Tensor, epoch: int, step: int) -> None:
        self._finite = finite.to("cpu", non_blocking=True)
        self._arrived = torch.Event(finite.device) if finite.is_cuda else None
        if self._arrived is not None:
            self._arrived.record()
        self.loss, self.ids, self.epoch, self.step = loss, ids, epoch, step

    def is_finite(self) -> bool:
        if self._arrived is not None:
            self._arrived.synchronize()
        return bool(self._finite)
