"""Which parameter learns at which rate, with which optimizer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from typing import Any

import torch
from timm.optim import create_optimizer_v2  # type: ignore[attr-defined]
from torch import nn

from recyclecli.errors import RecycleError
from recyclecli.settings import TrainSection

BLOCK = re.compile(r"(?:.*?\d+)(?:\.blocks\.\d+|\.\d+)*")  # blocks.3.0, layer1.0, stages_2.blocks.5


def decaying(model: nn.Module) -> Iterator[str]:
    """Names of the parameters that decay: all but those of one dimension, norms and biases."""
    return (name for name, parameter in model.named_parameters() if parameter.ndim > 1)


def make_optimizer(model: nn.Module, settings: TrainSection, decays: Set[str]) -> torch.optim.Optimizer:
    """timm's optimizer by name over `parameter_groups`; sgd is Nesterov's with momentum 0.9."""
    groups = parameter_groups(model, settings, decays)
    optimizer: torch.optim.Optimizer = create_optimizer_v2(
        groups, opt=settings.optimizer, lr=settings.lr, weight_decay=settings.weight_decay
    )
    return optimizer


def parameter_groups(model: nn.Module, settings: TrainSection, decays: Set[str]) -> list[dict[str, Any]]:
    """Parameters that learn, by their learning rate and weight decay; see `decaying`.

    The encoder's rate is
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
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((scales.get(parameter, 1.0), name in decays), []).append(parameter)
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
    found = BLOCK.match(name)
    return found[0] if found else name.rpartition(".")[0]
