"""Cross-entropy of the hardest pixels."""

import math

import torch
from torch.nn import functional as F

from recycle_losses import OhemOptions
from recycle_losses.ce import CrossEntropy
from recycle_losses.weights import pixel_weights, weighted_mean
from recyclecli.types import IGNORE, LossContext


class OhemCrossEntropy(CrossEntropy):
    """Mean of the cross-entropy over hard pixels: those given less than `threshold` of probability.

    Online hard example mining (Shrivastava et al., 2016) as segmentation uses it: where fewer than
    `keep` of the pixels that count are hard, the hardest `keep` of them are taken. Takes logits
    (N, K, H, W) and mask (N, H, W) int64 with 255 = ignore; gives a float32 scalar, 0 where no
    pixel counts.
    """

    def __init__(self, options: OhemOptions, context: LossContext) -> None:
        super().__init__(options, context)
        self._hard = -math.log(options.threshold)
        self._keep = options.keep

    def forward(self, logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The loss of a batch."""
        with torch.no_grad():
            counted = mask != IGNORE
            surprise = F.cross_entropy(logits.float(), mask, ignore_index=IGNORE, reduction="none")
            surprise = surprise.masked_fill(~counted, -1.0)
            hardest = surprise.flatten().topk(math.ceil(self._keep * mask.numel())).values
            least = (self._keep * counted.sum()).ceil().long()  # on the device: to read it would be to wait for a GPU
            bar = hardest.gather(0, (least - 1).clamp(min=0)[None]).clamp(max=self._hard)
            hard = counted & (surprise >= bar)
        return weighted_mean(self.per_pixel(logits, mask), pixel_weights(mask, self.weights) * hard)
