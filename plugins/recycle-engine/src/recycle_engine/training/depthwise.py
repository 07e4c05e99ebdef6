"""Depthwise convolutions in 32 bits where a CPU trains in bf16."""

from __future__ import annotations

import torch
from torch import nn


class _In32Bits(nn.Module):
    """Put before a convolution's own class: its forward in 32 bits, its result as autocast would give it."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        if not torch.is_autocast_enabled("cpu"):
            return super().forward(image)  # type: ignore[no-any-return]
        half = torch.get_autocast_dtype("cpu")
        with torch.autocast("cpu", enabled=False):
            return super().forward(image.float()).to(half)  # type: ignore[no-any-return]


def depthwise_in_32_bits(model: nn.Module) -> int:
    """Let a model's depthwise convolutions compute in 32 bits under a CPU's autocast, in place.

    oneDNN's backward pass of a depthwise convolution takes about three times as long in bf16 as in 32
    bits, so that an encoder that consists of them (EfficientNet, MobileNet, ConvNeXt) loses what bf16 gains
    elsewhere; benchmarks/train_overhead.py measures it. Parameters, their names and results outside of
    autocast stay as they are.

    Args:
        model: changed in place; a second call changes nothing more.

    Returns:
        how many convolutions were changed by this call.
    """
    changed = 0
    for module in model.modules():
        depthwise = isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1
        if depthwise and not isinstance(module, _In32Bits):
            kind = type(module)
            module.__class__ = type(kind.__name__, (_In32Bits, kind), {})
            changed += 1
    return changed
