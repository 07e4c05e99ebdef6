"""Whether torch.compile works for a model: found on its first batch, and not in the middle of a step."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from recyclecli.types import Outputs


def try_both_ways(model: nn.Module, forward: Callable[[], Outputs]) -> None:
    """Run a compiled model forward and backward: what compiles the way back fails at its first call only.

    Gradients, running statistics and chance are as before.

    Args:
        model: in training.
        forward: gives its outputs for a batch.
    """
    before = [buffer.clone() for buffer in model.buffers()]
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    devices = {weight.device for weight in weights if weight.is_cuda}
    try:
        with torch.random.fork_rng(devices):
            outputs = forward()
            total = torch.stack([part.float().sum() for part in (outputs.logits, *outputs.aux)]).sum()
            if total.requires_grad:
                torch.autograd.grad(total, weights, allow_unused=True)
    finally:
        with torch.no_grad():
            for buffer, value in zip(model.buffers(), before, strict=True):
                buffer.copy_(value)
