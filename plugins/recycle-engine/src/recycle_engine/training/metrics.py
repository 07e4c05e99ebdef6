"""The confusion matrix and the mean loss on a device, streamed, so that no prediction is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from recycle_coco.counts import PIXELS_PER_BAND
from torchmetrics import Metric

from recyclecli.types import IGNORE


@contextmanager
def _exact_sums() -> Iterator[None]:
    """Within, a GPU adds whole numbers as they come: a deterministic torch would sort them first, for the same sum."""
    before = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("default")
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)


class Confusion(Metric):
    """A (K, K) counter of pixels, truth by row and prediction by column, that leaves out 255.

    torchmetrics' own builds a mesh of pixels x K^2 when torch is told to be deterministic, and a
    bincount has the processor wait for a GPU; a sum of whole numbers is exact in any order.
    """

    counts: torch.Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self._classes = num_classes
        self.add_state("counts", torch.zeros(num_classes, num_classes, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, predicted: torch.Tensor, truth: torch.Tensor) -> None:
        """Count labels of any shape and integer type, 0 to K - 1; the truth may hold 255."""
        size = self._classes**2
        one = torch.ones((), dtype=torch.int64, device=truth.device)
        said_bands, true_bands = (torch.split(labels.reshape(-1), PIXELS_PER_BAND) for labels in (predicted, truth))
        for said, true in zip(said_bands, true_bands, strict=True):
            pairs = torch.where(true == IGNORE, size, true.long() * self._classes + said)
            with _exact_sums():
                counts = one.new_zeros(size + 1).scatter_add_(0, pairs, one.expand_as(pairs))
            self.counts += counts[:size].view_as(self.counts)

    def compute(self) -> torch.Tensor:
        """(K, K) int64 counts so far, over all processes."""
        return self.counts


class WeightedMean(Metric):
    """A mean of scalars under weights, NaN before any; torchmetrics' own drops NaN, or else the weights."""

    total: torch.Tensor
    weight: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.zeros(()), dist_reduce_fx="sum")
        self.add_state("weight", torch.zeros(()), dist_reduce_fx="sum")

    def update(self, value: torch.Tensor, weight: torch.Tensor) -> None:
        """Add a scalar that stands for `weight` photos, a scalar of 0 or more; with 0 it may be NaN."""
        self.total += torch.where(weight > 0, value.float() * weight, 0)
        self.weight += weight

    def compute(self) -> torch.Tensor:
        """The mean so far, over all processes."""
        return self.total / self.weight
