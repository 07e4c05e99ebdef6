"""Focal loss."""

import torch
from torch import nn
from torch.nn import functional as F

from recycle_losses import FocalOptions
from recycle_losses.weights import class_weights, pixel_weights, weighted_mean
from recyclecli.types import IGNORE, LossContext


class Focal(nn.Module):
    """Weighted mean over the pixels that count of -(1 - p)^gamma log p, p = softmax(logits)[mask].

    Lin et al., "Focal Loss for Dense Object Detection" (2017), equation 5, for K classes, with
    `class_weights` for alpha. Takes logits (N, K, H, W) and mask (N, H, W) int64 with
    255 = ignore; gives a float32 scalar, 0 where no pixel counts.
    """

    weights: torch.Tensor

    def __init__(self, options: FocalOptions, context: LossContext) -> None:
        super().__init__()
        self._gamma = options.gamma
        self.register_buffer("weights", class_weights(options, context), persistent=False)

    def forward(self, logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The loss of a batch."""
        surprise = F.cross_entropy(logits.float(), mask, ignore_index=IGNORE, reduction="none")
        # 1 - p from -log p without cancellation; the clamp keeps the power's gradient finite at 0
        missing = (-torch.expm1(-surprise)).clamp(min=1e-8)
        return weighted_mean(missing**self._gamma * surprise, pixel_weights(mask, self.weights))
