"""Which parameter learns at which rate, with which optimizer: timm's, by name."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import torch
from recycle_data.boundary import own, typed
from timm.optim import create_optimizer_v2  # type: ignore[attr-defined]
from torch import nn

from recycle_engine.boundary import build
from recyclecli.errors import RecycleError, counted
from recyclecli.plugins import Registry
from recyclecli.settings import TrainSection
from recyclecli.types import OptimizerContext, Options

BLOCK_NAME = re.compile(r"(?:.*?\d+)(?:\.blocks\.\d+|\.\d+)*")  # blocks.3.0, layer1.0, stages_2.blocks.5


def make_optimizer(registry: Registry, model: nn.Module, settings: TrainSection) -> torch.optim.Optimizer:
    """The optimizer of a recipe over `parameter_groups`.

    Raises:
        PluginFault: its component gives something else than an optimizer of all of them.
    """
    context = OptimizerContext(parameter_groups(model, settings), settings.lr, settings.weight_decay)
    part = settings.optimizer
    optimizer, of = build(registry, "optimizer", part.name, part.options, context)
    of.check(isinstance(optimizer, torch.optim.Optimizer), "a torch.optim.Optimizer", typed(optimizer))
    held = {weight for group in optimizer.param_groups for weight in group["params"]}
    left = sum(weight not in held for group in context.groups for weight in group["params"])
    of.check(not left, "an optimizer of all weights of the context's groups", f"{counted(left, 'weight')} left out")
    own(optimizer, of)
    return optimizer  # type: ignore[no-any-return]


def _of_timm(name: str) -> Callable[[Options, OptimizerContext], torch.optim.Optimizer]:
    """The factory of an optimizer that timm knows by this name."""

    def build(options: Options, context: OptimizerContext) -> torch.optim.Optimizer:
        given = {key: value for key, value in options if value is not None and value is not False}
        plain = name == "sgd" and not given.get(
            "momentum"
        )  # torch's Nesterov needs a momentum; without one both are equal
        optimizer: torch.optim.Optimizer = create_optimizer_v2(
            context.groups, opt="momentum" if plain else name, lr=context.lr, weight_decay=context.weight_decay, **given
        )
        # a fused one could divide gradients by the scale of the loss itself, and Lightning would refuse to clip them
        optimizer._step_supports_amp_scaling = False  # type: ignore[attr-defined]
        return optimizer

    return build


adamw, adam, radam, nadam, nadamw = map(_of_timm, ("adamw", "adam", "radam", "nadam", "nadamw"))
sgd, momentum, rmsprop, lion = map(_of_timm, ("sgd", "momentum", "rmsprop", "lion"))
lamb, adan, adopt = map(_of_timm, ("lamb", "adan", "adopt"))


def parameter_groups(model: nn.Module, settings: TrainSection) -> list[dict[str, Any]]:
    """Parameters that learn, by their learning rate and weight decay.

    Those of one dimension, norms and biases, do not decay. The encoder's rate is
    `lr * encoder_lr_scale * layer_decay^n` in the n-th of its blocks from the last (0), in the order
    in which it registers them (Clark et al., "ELECTRA", 2020).

    Raises:
        RecycleError: an encoder's rate is asked for and the model has no attribute `encoder`.
    """
    scales: dict[nn.Parameter, float] = {}
    if settings.encoder_lr_scale != 1 or settings.layer_decay != 1:
        named = [(_block(name), parameter) for name, parameter in encoder_of(model).named_parameters()]
        order = {block: place for place, block in enumerate(dict.fromkeys(block for block, _ in named))}
        scales = {
            parameter: settings.encoder_lr_scale * settings.layer_decay ** (len(order) - 1 - order[block])
            for block, parameter in named
        }
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for parameter in model.parameters():
        if parameter.requires_grad:
            groups.setdefault((scales.get(parameter, 1.0), parameter.ndim > 1), []).append(parameter)
    return [
        {"params": members, "lr": settings.lr * scale, "weight_decay": settings.weight_decay if decay else 0.0}
        for (scale, decay), members in groups.items()
    ]


def encoder_of(model: nn.Module) -> nn.Module:
    """The part that may learn at a rate of its own, or later than the rest.

    Raises:
        RecycleError: the model has no attribute `encoder`.
    """
    encoder = getattr(model, "encoder", None)
    if isinstance(encoder, nn.Module):
        return encoder
    raise RecycleError(
        f"{type(model).__name__} does not say what its encoder is",
        "leave out train.encoder_lr_scale, layer_decay and freeze_epochs, or give the model an attribute `encoder`",
    )


def _block(name: str) -> str:
    """`model.blocks.3.0` of `model.blocks.3.0.conv_pw.weight`; what has no number is its first module."""
    found = BLOCK_NAME.match(name)
    return found[0] if found else name.rpartition(".")[0]
