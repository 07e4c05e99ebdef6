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
    terms, shown = [], []
    for label, values in enumerate(probabilities):
        truth = labels == label
        there = truth.any()
        if there.is_cpu and not there:  # to ask a GPU would be to wait for it
            continue
        error, order = (torch.where(truth, 1 - values, values) * counted).sort(descending=True)
        hit, miss = truth[order], (counted & ~truth)[order]
        # IoU's loss if the pixels with the largest errors up to each one were wrong; counts are whole numbers, exact
        left = hit.sum() - hit.cumsum(0)
        loss = 1 - left / (hit.sum() + miss.cumsum(0)).clamp(min=1)
        step = torch.diff(loss, prepend=loss.new_zeros(1))
        terms.append((error * step).sum())
        shown.append(there)
    if not terms:
        return probabilities.sum() * 0
    present = torch.stack(shown)
    return (torch.stack(terms) * present).sum() / present.sum().clamp(min=1)
