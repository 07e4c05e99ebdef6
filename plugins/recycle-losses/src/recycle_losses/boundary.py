"""Cross-entropy with more weight on boundaries."""

import math

import torch
from torch.nn import functional as F

from recycle_losses import BoundaryOptions
from recycle_losses.ce import CrossEntropy
from recycle_losses.weights import pixel_weights, weighted_mean
from recyclecli.types import IGNORE, LossContext


class BoundaryCrossEntropy(CrossEntropy):
    """Cross-entropy with weight 1 + amount * exp(-d / reach) at a pixel d steps from another class.

    U-Net's weight map (Ronneberger et al., 2015, equation 2) for boundaries between classes, with
    distance counted in steps to any of the eight neighbours (so 0 at the pixels on either side of
    a boundary), up to four times `reach`. A border to 255 is no boundary. Takes logits
    (N, K, H, W) and mask (N, H, W) int64 with 255 = ignore; gives a float32 scalar, 0 where no
    pixel counts.
    """

    def __init__(self, options: BoundaryOptions, context: LossContext) -> None:
        super().__init__(options, context)
        self._amount, self._reach = options.amount, options.reach

    def forward(self, logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The loss of a batch."""
        return weighted_mean(self.per_pixel(logits, mask), pixel_weights(mask, self.weights) * self.emphasis(mask))

    @torch.no_grad()
    def emphasis(self, mask: torch.Tensor) -> torch.Tensor:
        """(N, H, W) float32 weights from 1 to 1 + amount."""
        near = _boundaries(mask)
        distance = near.new_full(near.shape, math.inf)
        for steps in range(math.ceil(4 * self._reach) + 1):
            distance = torch.where(near > 0, distance.clamp(max=steps), distance)
            near = F.max_pool2d(near, 3, stride=1, padding=1)
        return (1 + self._amount * torch.exp(-distance / self._reach))[:, 0]


def _boundaries(mask: torch.Tensor) -> torch.Tensor:
    """(N, 1, H, W) float32: 1 at pixels with a pixel of another class among their eight neighbours."""
    labels = mask[:, None].float()
    ignored = labels == IGNORE
    # the largest and the smallest class about, 255 standing out of the way of both
    largest = F.max_pool2d(labels.masked_fill(ignored, -1), 3, stride=1, padding=1)
    smallest = -F.max_pool2d(-labels, 3, stride=1, padding=1)
    return ((largest != smallest) & ~ignored).float()
