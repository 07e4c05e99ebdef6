"""Averages of the weights: a moving one, and the even one of the last epochs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks.weight_averaging import WeightAveraging

from recyclecli.settings import TrainSection


def weight_average(settings: TrainSection) -> Averaging | None:
    """The average that the settings ask for.

    `ema`: exponential moving average of weights and buffers. After n updates the decay is
    min(ema, (1 + n) / (10 + n)), as in TensorFlow's ExponentialMovingAverage, so that a short run
    is no average of its beginning.

    `swa`: Izmailov et al., "Averaging Weights Leads to Wider Optima" (2018): the even mean of the
    weights at the end of each of the last epochs. Statistics of batch normalisation are averaged
    too, where the paper makes another pass over the photos.
    """
    if settings.ema:
        return Averaging(lambda count: 1 - min(settings.ema, (1 + count) / (10 + count)))
    if settings.swa:
        first = settings.epochs - max(1, math.ceil(settings.swa * settings.epochs))
        return Averaging(lambda count: 1 / max(1, count - first + 1), epochwise=True)
    return None


class Averaging(WeightAveraging):
    """Lightning's, with any rule for how much the newest weights count.

    Args:
        weight: of the current weights when there were so many updates before; 1 copies them.
        epochwise: an update at the end of each epoch, before it is validated, not at every step.
    """

    def __init__(self, weight: Callable[[int], float], epochwise: bool = False) -> None:
        @torch.no_grad()
        def average(averaged: list[torch.Tensor], current: list[torch.Tensor], _: torch.Tensor | int) -> None:
            if averaged[0].is_floating_point():
                assert self._average_model is not None
                torch._foreach_lerp_(averaged, current, weight(int(self._average_model.n_averaged)))
            else:  # counters of batch normalisation
                torch._foreach_copy_(averaged, current)

        super().__init__(multi_avg_fn=average)
        self._epochwise = epochwise
        self._ends = True  # whether the batch at hand ends its epoch

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Bring the average to where the model is by now; its count stays with the processor, which asks for it."""
        assert self._average_model is not None
        self._average_model.module.to(pl_module.device)
        self._average_model.n_averaged = self._average_model.n_averaged.cpu()

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Look where in the epoch this is: how many steps it has may change from one to the next."""
        self._ends = batch_idx + 1 == trainer.num_training_batches

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        """After each step, or after an epoch's last one."""
        return step_idx is not None and (not self._epochwise or self._ends)
