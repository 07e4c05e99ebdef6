"""Losses that are no number: found before they reach the weights on disk."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from recycle_data.owned import Owned

from recycle_engine.boundary import Trail, not_finite
from recycle_engine.runs import Run
from recyclecli.errors import RunFailed, counted, join_limited
from recyclecli.recipe import Recipe
from recyclecli.types import Batch, Source

log = logging.getLogger("recycle.engine")


class NaNGuard(Callback):
    """Stops at a loss that is NaN or infinite and names the photos of its batch, or leaves its step out.

    To stop, a step's loss is looked at during the next one, so that a GPU never waits. To skip, it
    is looked at once, and the step's gradients are too: they are dropped, and running statistics are put
    back to what they were before the first of the step's batches.
    """

    reads_instances = False

    def __init__(self, run: Run, recipe: Recipe, photos: Source) -> None:
        self._run = run
        self._photos = photos
        self._recipe = recipe
        self._skips = recipe.train.on_nan == "skip"
        self._seen: _Seen | None = None
        self._ids = torch.zeros(0)
        self._buffers: list[torch.Tensor] = []
        self._void = self._dropped = False
        self._scaler: Any = None  # of the loss, at 16-mixed
        self._scale: float | None = None
        self._first = ""  # part of this epoch that gave such a number
        self._batches = 0  # of this epoch, whose loss is no number
        self._steps = self._left_out = 0  # of this epoch

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Learn of the first process where the run's folder is."""
        self._run = Run(Path(trainer.strategy.broadcast(str(self._run.folder.absolute()))))

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Batch, batch_idx: int
    ) -> None:
        """Remember whose batch it is."""
        self._ids = batch.ids
        self._scaler = getattr(trainer.precision_plugin, "scaler", None) if self._skips else None
        self._scale = float(self._scaler.get_scale()) if self._scaler else None
        if self._skips and batch_idx % trainer.accumulate_grad_batches == 0:
            self._buffers = [buffer.clone() for buffer in pl_module.buffers()]

    def on_before_backward(self, trainer: L.Trainer, pl_module: L.LightningModule, loss: torch.Tensor) -> None:
        """Look at the loss of the step before, or at this one."""
        finite = torch.isfinite(loss.detach())
        if not self._skips:
            self._check()
            trail: Trail = pl_module.trail  # type: ignore[assignment]
            self._seen = _Seen(finite, loss.detach(), self._ids, trainer.current_epoch, trainer.global_step, trail)
            return
        if not _for_all(finite):
            self._void = True
            self._batches += 1
            self._first = self._first or pl_module.trail.first()  # type: ignore[union-attr, operator]

    def on_before_optimizer_step(self, trainer: L.Trainer, pl_module: L.LightningModule, optimizer: Any) -> None:
        """Drop the gradients of a step with such a loss or gradient, and what it did to running statistics."""
        if not self._skips:
            return
        self._steps += 1
        if trainer.precision != "16-mixed":  # where gradients may overflow, and the scaler of the loss sees to it
            gradients = [one.grad for one in pl_module.parameters() if one.grad is not None]
            norms = torch._foreach_norm(gradients) if gradients else ()
            self._void |= bool(norms) and not _for_all(torch.isfinite(torch.stack(norms)).all())
        if self._void:
            self._void, self._dropped = False, True
            self._left_out += 1
            pl_module.zero_grad()
            for buffer, before in zip(pl_module.buffers(), self._buffers, strict=True):
                buffer.copy_(before)

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Put the scale of the loss back where a step was dropped: it was halved as if a gradient had overflowed."""
        if self._dropped and self._scaler:
            self._scaler.update(self._scale)
        self._dropped = False

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Look at the last step before NaN weights are validated."""
        self._check()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Look at the last step, and what it made of the weights, before the epoch's checkpoints are written."""
        self._check()
        if not self._skips:
            weights = torch.stack([weight.detach().isfinite().all() for weight in pl_module.parameters()])
            if not _for_all(weights.all()):
                name = not_finite(pl_module).removeprefix("model.")
                what = f"{name}: a weight is no number after step {trainer.global_step}"
                raise self._stopped(what, trainer.current_epoch, trainer.global_step - 1, self._ids)
        batches, steps, left_out, first = self._batches, self._steps, self._left_out, self._first
        self._batches, self._steps, self._left_out, self._first = 0, 0, 0, ""
        if left_out and left_out == steps:
            raise RunFailed(
                f"each of the {steps} steps of epoch {trainer.current_epoch + 1} had a loss or a gradient that is no "
                "number, so nothing was learned",
                f"lower train.lr, or use --precision 32, in {self._anew()}",
            )
        if left_out:
            log.warning(
                f"note: {left_out} of {steps} steps of the epoch were left out: the loss of "
                f"{counted(batches, 'batch')}, or a "
                "gradient, was no number" + (f"; the first: {first}" if first else "")
            )

    def _check(self) -> None:
        seen, self._seen = self._seen, None
        if seen is None or seen.is_finite():
            return
        what = f"the training loss is {float(seen.loss)} at step {seen.step + 1}"
        raise self._stopped(what, seen.epoch, seen.step, seen.ids, seen.trail.first())

    def _stopped(self, what: str, epoch: int, step: int, ids: torch.Tensor, first: str = "") -> RunFailed:
        names = [self._photos.record(index).file_name for index in ids.tolist()]
        file = self._run.nan
        found = {"epoch": epoch, "step": step, "seed": self._recipe.seed, "photos": names}
        Owned(file.parent).write_json(file, found, indent=1)
        return RunFailed(
            f"{what}, epoch {epoch + 1}, on photos {join_limited(names, 3)}; all are in {file}"
            + (f"; the first that gave NaN or an infinite number: {first}" if first else ""),
            f"lower train.lr, use --precision 32, or leave such steps out with -o train.on_nan=skip, in {self._anew()}",
        )

    def _anew(self) -> str:
        """The run to go on in, as a stopped one keeps its recipe."""
        begun = f", which --init-from {self._run.folder.name} begins with this one's best epoch"
        return "a run of another --name" + (begun if self._run.best.is_file() else "")


def _for_all(finite: torch.Tensor) -> bool:
    """Whether a scalar truth is one in every process."""
    if torch.distributed.is_initialized():
        agreed = finite.float()
        torch.distributed.all_reduce(agreed, torch.distributed.ReduceOp.MIN)
        finite = agreed > 0
    return bool(finite)


class _Seen:
    """A loss on its way to the processor."""

    def __init__(
        self, finite: torch.Tensor, loss: torch.Tensor, ids: torch.Tensor, epoch: int, step: int, trail: Trail
    ) -> None:
        self._finite = finite.to("cpu", non_blocking=True)
        self._arrived = torch.Event(finite.device) if finite.is_cuda else None
        if self._arrived is not None:
            self._arrived.record()
        self.loss, self.ids, self.epoch, self.step, self.trail = loss, ids, epoch, step, trail

    def is_finite(self) -> bool:
        if self._arrived is not None:
            self._arrived.synchronize()
        return bool(self._finite)
