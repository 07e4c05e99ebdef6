"""How the learning rate changes over a run: the factories of this distribution's schedules, and their use."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from recycle_data.boundary import PluginPart, typed
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LinearLR, LRScheduler, ReduceLROnPlateau

from recycle_engine.boundary import build
from recycle_engine.optimizer_options import Cosine, Falling, Plateau, Poly, Restarts, Rising
from recyclecli.plugins import Registry
from recyclecli.settings import ComponentSpec
from recyclecli.types import ScheduleContext

Fall = Callable[[int, float], float]
"""The rate, as a share of `lr`, so many steps after the warm-up, which are a share of those to the end."""

RISE, START = 0.3, 1 / 25  # of one-cycle, as in torch's


def make_schedulers(registry: Registry, part: ComponentSpec, context: ScheduleContext) -> list[dict[str, Any]]:
    """The schedule of a recipe for Lightning: schedulers of every step, and those that the module steps itself.

    Lightning would lower a plateau's rate after the epoch's checkpoint is written, and a resumed run would
    miss that; so it only keeps that scheduler's state, and is told never to step it.

    Raises:
        PluginFault: its component gives something else than schedulers, or rates that are no rates.
    """
    built, of = build(registry, "schedule", part.name, part.options, context)
    schedulers = built if isinstance(built, (list, tuple)) else [built]
    of.check(bool(schedulers), "a scheduler of torch's, or a list of them", "an empty list")
    for one in schedulers:
        of.check(isinstance(one, LRScheduler), "a scheduler of torch's, or a list of them", typed(one))
        of.check(one.optimizer is context.optimizer, "a scheduler of the context's optimizer", "one of another")
    check_rates(of, context.optimizer)
    never = {"interval": "epoch", "frequency": 2**31, "monitor": "val_miou", "strict": False}
    return [
        {"scheduler": one, **(never if isinstance(one, ReduceLROnPlateau) else {"interval": "step"})}
        for one in schedulers
    ]


def check_rates(of: PluginPart, optimizer: Optimizer) -> None:
    """Raise PluginFault where a rate is negative or no finite number; one in a tensor is not looked at."""
    for group in optimizer.param_groups:
        rate = group["lr"]
        if isinstance(rate, (int, float)) and not 0 <= rate < math.inf:
            raise of.fault("rates that are finite, and 0 or more", f"lr = {rate}")


def cosine(options: Cosine, context: ScheduleContext) -> LRScheduler:
    """Half a cosine, to `final_lr_scale`."""
    return _warmed(options, context, lambda _, done: _low(options, _cosine(done)))


def poly(options: Poly, context: ScheduleContext) -> LRScheduler:
    """`(1 - t)^power`, to `final_lr_scale`."""
    return _warmed(options, context, lambda _, done: _low(options, float((1 - done) ** options.power)))


def constant(options: Rising, context: ScheduleContext) -> LRScheduler:
    """The same rate to the end."""
    return _warmed(options, context, lambda *_: 1.0)


def cosine_restarts(options: Restarts, context: ScheduleContext) -> LRScheduler:
    """Half a cosine again and again, each cycle `t_mult` times as long as the one before."""
    length = options.cycle_epochs * context.steps / context.epochs
    return _warmed(
        options,
        context,
        lambda step, _: _low(options, _cosine(_within_cycle(step, length, options.t_mult))),
    )


def one_cycle(options: Falling, context: ScheduleContext) -> LRScheduler:
    """Up from a 25th by a cosine over 0.3 of the steps, then down to `final_lr_scale`."""
    warm = round(RISE * context.steps)
    left = max(1, context.steps - warm)

    def factor(step: int) -> float:
        if step < warm:
            return START + (1 - START) * (1 - _cosine(step / warm))
        return _low(options, _cosine(min(1.0, (step - warm) / left)))

    return LambdaLR(context.optimizer, factor)


def plateau(options: Plateau, context: ScheduleContext) -> list[LRScheduler]:
    """A linear warm-up, then `factor` times the rate after `patience` epochs without a better score."""
    warm = round(options.warmup * context.steps)
    rise = LinearLR(context.optimizer, start_factor=1 / (warm + 1), total_iters=warm)
    fall = ReduceLROnPlateau(
        context.optimizer, mode="max", factor=options.factor, patience=options.patience - 1, threshold=0
    )
    return [rise, fall]


def _warmed(options: Rising, context: ScheduleContext, fall: Fall) -> LRScheduler:
    """A linear rise over a share of the steps, then what `fall` says."""
    warm = round(options.warmup * context.steps)
    left = max(1, context.steps - warm)

    def factor(step: int) -> float:
        return (step + 1) / (warm + 1) if step < warm else fall(step - warm, min(1.0, (step - warm) / left))

    return LambdaLR(context.optimizer, factor)


def _low(options: Falling, share: float) -> float:
    """From 1 to `final_lr_scale` as `share` goes from 1 to 0."""
    return options.final_lr_scale + (1 - options.final_lr_scale) * share


def _cosine(share: float) -> float:
    """From 1 to 0 over a share from 0 to 1."""
    return 0.5 * (1 + math.cos(math.pi * share))


def _within_cycle(step: int, length: float, growth: float) -> float:
    """Share of the cycle that a step lies in, cycles growing by a factor from the first, of `length` steps."""
    while step >= length:
        step, length = step - math.ceil(length), length * growth
        length = max(length, 1.0)
    return max(0.0, step / length)
