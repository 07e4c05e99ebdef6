"""Lovász-Softmax."""

import torch
from torch import nn

from recycle_losses import LovaszOptions
from recyclecli.types import IGNORE, LossContext


class Lovasz(nn.Module):
    """The Lovász extension of 1 - IoU at the softmax errors, mean over the classes in the mask.

    Berman, Rannen Triki and Blaschko, "The Lovász-Softmax loss" (2018), equations 8, 9 and 11,
    over the pixels that count of the batch, or of each photo with `per_image`. Takes logits
    (N, K, H, W) and mask (N, H, W) int64 with 255 = ignore; gives a float32 scalar, 0 where no
    pixel counts.
    """

    def __init__(self, options: LovaszOptions, context: LossContext) -> None:
        super().__init__()
        self._per_image = options.per_image

    def forward(self, logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The loss of a batch."""
        probabilities = logits.float().softmax(1)
        if not self._per_image:
            return _of_pixels(probabilities.movedim(1, 0).flatten(1), mask.flatten())
        photos = zip(probabilities.flatten(2), mask.flatten(1), strict=True)
        return torch.stack([_of_pixels(values, labels) for values, labels in photos]).mean()


def _of_pixels(probabilities: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The loss of (K, P) probabilities for (P,) labels."""
    counted = labels != IGNORE
    terms = []
    truths = [labels == label for label in range(len(probabilities))]
    shown = torch.stack([truth.any() for truth in truths]).tolist()  # asked at once, as a GPU is waited for
    for label, truth in enumerate(truths):
        if not shown[label]:
            continue
        error = torch.where(truth, 1 - probabilities[label], probabilities[label]) * counted
        error, order = error.sort(descending=True)
        hit, miss = truth[order].float(), (counted & ~truth)[order].float()
        # IoU's loss if the pixels with the largest errors up to each one were wrong
        left = hit.sum() - hit.cumsum(0)
        loss = 1 - left / (hit.sum() + miss.cumsum(0))
        step = torch.diff(loss, prepend=loss.new_zeros(1))
        terms.append((error * step).sum())
    return torch.stack(terms).mean() if terms else probabilities.sum() * 0
