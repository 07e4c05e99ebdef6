"""Cross-entropy."""

import torch
from torch import nn
from torch.nn import functional as F

from recycle_losses import CrossEntropyOptions
from recycle_losses.weights import class_weights, pixel_weights, weighted_mean
from recyclecli.types import IGNORE, LossContext


class CrossEntropy(nn.Module):
    """Weighted mean over the pixels that count of -log softmax(logits)[mask].

    The target of a pixel is one-hot, or with `label_smoothing` s: 1 - s of that and s / K of every
    class (Szegedy et al., 2016). A pixel's weight is that of its true class. Takes logits
    (N, K, H, W) and mask (N, H, W) int64 with 255 = ignore; gives a float32 scalar, 0 where no
    pixel counts.
    """

    weights: torch.Tensor

    def __init__(self, options: CrossEntropyOptions, context: LossContext) -> None:
        super().__init__()
        self._smoothing = options.label_smoothing
        self.register_buffer("weights", class_weights(options, context), persistent=False)

    def per_pixel(self, logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(N, H, W) float32: each pixel's loss before its weight."""
        logits = logits.float()
        surprise = F.cross_entropy(logits, mask, ignore_index=IGNORE, reduction="none")
        if self._smoothing:
            surprise = torch.lerp(surprise, logits.logsumexp(1) - logits.mean(1), self._smoothing)
        return surprise

    def forward(self, logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The loss of a batch."""
        return weighted_mean(self.per_pixel(logits, mask), pixel_weights(mask, self.weights))
