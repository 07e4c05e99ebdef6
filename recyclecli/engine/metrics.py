"""Scores from a confusion matrix that is streamed, so that no prediction is kept."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torchmetrics import Metric

from recyclecli.types import IGNORE

BAND = 2**20  # pixels that are counted at a time, so that a photo of any size fits into memory


class Confusion(Metric):
    """A (K, K) counter of pixels, truth by row and prediction by column, that leaves out 255.

    torchmetrics' own builds a mesh of pixels x K^2 when torch is told to be deterministic; a
    bincount without weights is deterministic as it is.
    """

    counts: torch.Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self._classes = num_classes
        self.add_state("counts", torch.zeros(num_classes, num_classes, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, predicted: torch.Tensor, truth: torch.Tensor) -> None:
        """Count labels, see `confusion`."""
        self.counts += confusion(predicted, truth, self._classes)

    def compute(self) -> torch.Tensor:
        """(K, K) int64 counts so far, over all processes."""
        return self.counts


def confusion(predicted: torch.Tensor, truth: torch.Tensor, classes: int) -> torch.Tensor:
    """(K, K) int64 counts of label pairs, truth by row and prediction by column.

    Args:
        predicted: labels of any shape and integer type, 0 to K - 1.
        truth: the same shape, 255 = ignore, which counts nowhere.
        classes: K.
    """
    counts = torch.zeros(classes**2, dtype=torch.int64, device=truth.device)
    said_bands, true_bands = (torch.split(labels.reshape(-1), BAND) for labels in (predicted, truth))
    for said, true in zip(said_bands, true_bands, strict=True):
        seen = true != IGNORE
        counts += torch.bincount(true[seen].long() * classes + said[seen].long(), minlength=classes**2)
    return counts.view(classes, classes)


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of one confusion matrix.

    Attributes:
        iou: (K,) float64, intersection over union of each class; NaN for a class that occurs
            neither in the truth nor in the prediction.
        miou: mean of the IoU over the classes that are not NaN.
        accuracy: share of pixels that are right.
    """

    iou: torch.Tensor
    miou: float
    accuracy: float


def scores(matrix: torch.Tensor) -> Scores:
    """Scores of a (K, K) count matrix: IoU = TP / (TP + FP + FN) per class (Everingham et al., 2010)."""
    counts = matrix.to("cpu", torch.float64)
    hit = counts.diagonal()
    union = counts.sum(0) + counts.sum(1) - hit
    iou = torch.where(union > 0, hit / union.clamp(min=1), torch.nan)
    total = counts.sum()
    return Scores(iou, float(iou.nanmean()), float(hit.sum() / total) if total else float("nan"))
