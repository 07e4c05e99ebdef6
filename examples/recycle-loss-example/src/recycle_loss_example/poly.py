"""PolyLoss, imported only when it is built."""

import torch
from torch import nn
from torch.nn import functional as F

from recycle_loss_example import PolyOptions
from recyclecli.types import IGNORE, LossContext


class Poly(nn.Module):
    """Mean over the labelled pixels of -log p + epsilon (1 - p), p = softmax(logits)[mask].

    Leng et al., "PolyLoss" (2022), Poly-1. Takes logits (N, K, H, W) and mask (N, H, W) int64
    with 255 = ignore; gives a float32 scalar, 0 where no pixel counts.
    """

    def __init__(self, options: PolyOptions, context: LossContext) -> None:
        super().__init__()
        self._epsilon = options.epsilon

    def forward(self, logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The loss of a batch."""
        surprise = F.cross_entropy(logits.float(), mask, ignore_index=IGNORE, reduction="none")
        terms = surprise + self._epsilon * (1 - torch.exp(-surprise)) * (mask != IGNORE)
        return terms.sum() / (mask != IGNORE).sum().clamp(min=1)
