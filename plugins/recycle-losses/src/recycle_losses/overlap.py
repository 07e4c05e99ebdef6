"""Losses of the overlap between prediction and truth, class by class."""

import torch
from torch import nn

from recycle_losses import OverlapOptions, TverskyOptions
from recyclecli.types import IGNORE, LossContext


class Tversky(nn.Module):
    """Mean over the classes in the mask of (1 - (TP + s) / (TP + a FP + b FN + s))^gamma.

    Salehi, Erdogmus and Gholipour, "Tversky loss function" (2017); with gamma Abraham and Khan,
    "A novel focal Tversky loss" (2019), whose 1/gamma is our gamma. TP, FP and FN are sums of
    softmax probabilities over all pixels of the batch that count, s is `smooth`. Takes logits
    (N, K, H, W) and mask (N, H, W) int64 with 255 = ignore; gives a float32 scalar, 0 where no
    pixel counts.
    """

    def __init__(self, alpha: float, beta: float, smooth: float, gamma: float = 1.0) -> None:
        super().__init__()
        self._alpha, self._beta, self._smooth, self._gamma = alpha, beta, smooth, gamma

    def forward(self, logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The loss of a batch."""
        counts = (mask != IGNORE)[:, None]
        probabilities = logits.float().softmax(1) * counts
        target = mask[:, None] == torch.arange(logits.shape[1], device=mask.device)[:, None, None]  # 255 is none
        both = (probabilities * target).sum((0, 2, 3))
        truth = target.sum((0, 2, 3))
        false = probabilities.sum((0, 2, 3)) - both
        missed = truth - both
        lost = self._alpha * false + self._beta * missed
        # the distance, not 1 minus the overlap, and never 0: a power below 1 is steep there
        distance = (lost / (both + lost + self._smooth)).clamp(min=1e-6)
        present = truth > 0
        return (distance**self._gamma * present).sum() / present.sum().clamp(min=1)


def tversky(options: TverskyOptions, context: LossContext) -> nn.Module:
    """The Tversky loss."""
    return Tversky(options.alpha, options.beta, options.smooth, options.gamma)


def dice(options: OverlapOptions, context: LossContext) -> nn.Module:
    """1 - (2 TP + s) / (2 TP + FP + FN + s): Milletari et al., "V-Net" (2016), without its squares."""
    return Tversky(0.5, 0.5, options.smooth / 2)


def jaccard(options: OverlapOptions, context: LossContext) -> nn.Module:
    """1 - (TP + s) / (TP + FP + FN + s): Rahman and Wang, "Optimizing IoU" (2016)."""
    return Tversky(1.0, 1.0, options.smooth)
