"""Dice loss."""

import torch
from torch import nn
from torch.nn import functional as F

from recycle_losses import DiceOptions
from recyclecli.types import IGNORE, LossContext


class Dice(nn.Module):
    """1 minus the mean, over the classes in the mask, of (2 |P and T| + s) / (|P| + |T| + s).

    Milletari, Navab and Ahmadi, "V-Net" (2016), with sums for squares; P are the softmax
    probabilities and T the one-hot truth over all pixels of the batch that count, s is
    `smooth`. Takes logits (N, K, H, W) and mask (N, H, W) int64 with 255 = ignore; gives a
    float32 scalar, 0 where no pixel counts.
    """

    def __init__(self, options: DiceOptions, context: LossContext) -> None:
        super().__init__()
        self._smooth = options.smooth

    def forward(self, logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The loss of a batch."""
        counts = (mask != IGNORE)[:, None]
        probabilities = logits.float().softmax(1) * counts
        target = F.one_hot(mask.masked_fill(mask == IGNORE, 0), logits.shape[1]).movedim(-1, 1) * counts
        both = (probabilities * target).sum((0, 2, 3))
        truth = target.sum((0, 2, 3))
        overlap = (2 * both + self._smooth) / (probabilities.sum((0, 2, 3)) + truth + self._smooth)
        present = truth > 0
        return ((1 - overlap) * present).sum() / present.sum().clamp(min=1)
