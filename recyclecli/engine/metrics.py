"""Scores from a confusion matrix that is streamed, so that no prediction is kept."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torchmetrics.classification import MulticlassConfusionMatrix

from recyclecli.types import IGNORE


def confusion(num_classes: int) -> MulticlassConfusionMatrix:
    """A (K, K) counter, truth by row and prediction by column, that leaves out 255."""
    return MulticlassConfusionMatrix(num_classes, ignore_index=IGNORE, validate_args=False)


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
