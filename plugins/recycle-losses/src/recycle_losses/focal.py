"""Focal loss."""

import torch
from torch import nn
from torch.nn import functional as F

from recycle_losses import FocalOptions
from recyclecli.types import IGNORE, LossContext


class Focal(nn.Module):
    """Mean over the pixels that count of -(1 - p)^gamma log p, p = softmax(logits)[mask].

    Lin et al., "Focal Loss for Dense Object Detection" (2017), equation 4, for K classes.
    Takes logits (N, K, H, W) and mask (N, H, W) int64 with 255 = ignore; gives a float32
    scalar, 0 where no pixel counts.
    """

    def __init__(self, options: FocalOptions, context: LossContext) -> None:
        super().__init__()
        self._gamma = options.gamma

    def forward(self, logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The loss of a batch."""
        surprise = F.cross_entropy(logits.float(), mask, ignore_index=IGNORE, reduction="none")
        # 1 - p from -log p without cancellation; the clamp keeps the power's gradient finite at 0
        missing = (-torch.expm1(-surprise)).clamp(min=1e-8)
        return (missing**self._gamma * surprise).sum() / (mask != IGNORE).sum().clamp(min=1)
