"""How the learning rate changes over a run."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LinearLR, ReduceLROnPlateau

from recyclecli.settings import TrainSection

RISE, START = 0.3, 1 / 25  # of one-cycle, as in torch's


def make_schedulers(optimizer: Optimizer, settings: TrainSection, total: int) -> list[dict[str, Any]]:
    """Schedulers for Lightning: one for every step, and for plateau one that the module steps itself.

    Lightning would lower the rate after the epoch's checkpoint is written, and a resumed run would
    miss that; so it only keeps plateau's state, and is told never to step it.
    """
    if settings.schedule != "plateau":
        step = LambdaLR(optimizer, rate(settings, total))
        return [{"scheduler": step, "interval": "step"}]
    warm = round(settings.warmup * total)
    rise = LinearLR(optimizer, start_factor=1 / (warm + 1), total_iters=warm)
    plateau = ReduceLROnPlateau(
        optimizer, mode="max", factor=settings.plateau_factor, patience=settings.plateau_epochs - 1, threshold=0
    )
    never = {"interval": "epoch", "frequency": 2**31, "monitor": "val_miou", "strict": False}
    return [{"scheduler": rise, "interval": "step"}, {"scheduler": plateau, **never}]


def rate(settings: TrainSection, total: int) -> Callable[[int], float]:
    """The factor of `lr` at a step from 0 to `total` - 1.

    Linear warm-up, then by `schedule`: cosine (Loshchilov and Hutter, "SGDR", 2017) to
    `final_lr_scale`, the same with warm restarts, poly ((1 - t)^power, as DeepLab), or constant.
    one-cycle (Smith and Topin, 2019) rises by a cosine over the first 0.3 of the steps instead of
    the warm-up.
    """
    one_cycle = settings.schedule == "one-cycle"
    warm = round((RISE if one_cycle else settings.warmup) * total)
    left = max(1, total - warm)
    low = settings.final_lr_scale
    cycle = settings.restart_epochs * total / settings.epochs

    def factor(step: int) -> float:
        if step < warm and one_cycle:
            return START + (1 - START) * (1 - _cosine(step / warm))
        if step < warm:
            return (step + 1) / (warm + 1)
        done = min(1.0, (step - warm) / left)
        if settings.schedule == "constant":
            return 1.0
        if settings.schedule == "poly":
            return low + (1 - low) * float((1 - done) ** settings.poly_power)
        if settings.schedule == "cosine-restarts":
            done = _within_cycle(step - warm, cycle, settings.restart_growth)
        return low + (1 - low) * _cosine(done)

    return factor


def _cosine(share: float) -> float:
    """From 1 to 0 over a share from 0 to 1."""
    return 0.5 * (1 + math.cos(math.pi * share))


def _within_cycle(step: int, length: float, growth: float) -> float:
    """Share of the cycle that a step lies in, cycles growing by a factor from the first, of `length` steps."""
    while step >= length:
        step, length = step - math.ceil(length), length * growth
        length = max(length, 1.0)
    return max(0.0, step / length)
