"""Cross-entropy."""

import torch
from torch import nn
from torch.nn import functional as F

from recycle_losses import CrossEntropyOptions
from recyclecli.types import IGNORE, LossContext


class CrossEntropy(nn.Module):
    """Mean over the pixels that count of -log softmax(logits)[mask].

    Takes logits (N, K, H, W) and mask (N, H, W) int64 with 255 = ignore; gives a float32
    scalar, 0 where no pixel counts.
    """

    def __init__(self, options: CrossEntropyOptions, context: LossContext) -> None:
        super().__init__()
        self._smoothing = options.label_smoothing

    def forward(self, logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The loss of a batch."""
        total = F.cross_entropy(
            logits.float(), mask, ignore_index=IGNORE, label_smoothing=self._smoothing, reduction="sum"
        )
        return total / (mask != IGNORE).sum().clamp(min=1)
