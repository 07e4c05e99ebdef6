"""Averages of the weights: a moving one, and the even one of the last epochs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks.weight_averaging import WeightAveraging
from torch import nn

from recyclecli.settings import TrainSection

TensorPlace = tuple[Mapping[str, torch.Tensor | None], str]  # a module's weights or buffers, and the name of one


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

    reads_instances = False

    def __init__(self, weight: Callable[[int], float], epochwise: bool = False) -> None:
        super().__init__()
        self._weight = weight
        self._epochwise = epochwise
        self._ends = True  # whether the batch at hand ends its epoch
        self._pairs: dict[torch.dtype, list[tuple[TensorPlace, TensorPlace]]] = {}

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Bring the average to where the model is by now; its count stays with the processor, which asks for it."""
        assert self._average_model is not None
        average = self._average_model.module.to(pl_module.device)
        self._average_model.n_averaged = self._average_model.n_averaged.cpu()
        self._pairs = {}
        for place, other in zip(_places(average), _places(pl_module), strict=True):
            self._pairs.setdefault(_tensor(place).dtype, []).append((place, other))

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Look where in the epoch this is: how many steps it has may change from one to the next."""
        self._ends = batch_idx + 1 == trainer.num_training_batches

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Update the average after each step, or after an epoch's last one."""
        if trainer.global_step > self._latest_update_step and (not self._epochwise or self._ends):
            self._update()
            self._latest_update_step = trainer.global_step

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        """Never at Lightning's own moments: it would walk the modules, and ask the device for the count, each time."""
        return False

    @torch.no_grad()
    def _update(self) -> None:
        assert self._average_model is not None
        count = int(self._average_model.n_averaged)
        for kind, pairs in self._pairs.items():
            averaged, current = ([_tensor(place) for place in side] for side in zip(*pairs, strict=True))
            if count and kind.is_floating_point:
                torch._foreach_lerp_(averaged, current, self._weight(count))
            else:  # the first time; counters of batch normalisation
                torch._foreach_copy_(averaged, current)
        self._average_model.n_averaged += 1


def _places(model: nn.Module) -> Iterator[TensorPlace]:
    """Where each weight and buffer hangs, each tensor once; a step may hang another one there."""
    seen = set()
    for module in model.modules():
        for tensors in (module._parameters, module._buffers):
            for name, tensor in tensors.items():
                if tensor is not None and tensor not in seen:
                    seen.add(tensor)
                    yield tensors, name


def _tensor(place: TensorPlace) -> torch.Tensor:
    tensors, name = place
    tensor = tensors[name]
    assert tensor is not None
    return tensor
