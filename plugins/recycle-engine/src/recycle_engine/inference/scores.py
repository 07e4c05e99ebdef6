"""From a model's scores to labels of the photo's size, without ever holding all scores at that size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from recycle_data.pseudo import FULL_CONFIDENCE
from torch.nn import functional as F

from recycle_engine.library_errors import memory_errors

RESIZED_SCORES = 2**21  # scores that are resized at a time
RESIZED_SCORES_ON_GPU = 2**26


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is said of one photo.

    Attributes:
        labels: (H, W) uint8.
        confidence: (H, W) uint16, the largest probability at each pixel times 65535; (0, 0) if not asked for.
    """

    labels: NDArray[np.uint8]
    confidence: NDArray[np.uint16]


@memory_errors()
def prediction_of(scores: torch.Tensor, height: int, width: int, confident: bool = True) -> Prediction:
    """Labels (and confidences, if `confident`) of a photo, from scores (K, h, w) whose softmax are probabilities."""
    labels = np.empty((height, width), np.uint8)  # filled band by band, or the heap would fray
    confidence = np.empty((height, width) if confident else (0, 0), np.uint16)
    top = 0
    for band in resized_bands(scores, height, width):
        largest, part = band.max(0)
        rows = slice(top, top + len(part))
        labels[rows] = part.to(torch.uint8).cpu().numpy()
        if confident:
            sure = (largest - band.logsumexp(0)).exp_().mul_(FULL_CONFIDENCE).round_()
            confidence[rows] = sure.cpu().numpy()
        top += len(part)
    return Prediction(labels, confidence)


def sized(scores: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """(K, h, w) scores at another size, bilinearly."""
    if scores.shape[1:] == tuple(size):
        return scores
    return F.interpolate(scores[None], tuple(size), mode="bilinear", align_corners=False)[0]


def resized_bands(logits: torch.Tensor, height: int, width: int) -> Iterator[torch.Tensor]:
    """(K, h, w) logits resized bilinearly to (K, height, width), in bands of rows from top to bottom.

    Together they equal `F.interpolate(..., mode="bilinear", align_corners=False)`; alone none
    is larger than `RESIZED_SCORES` values, on a GPU than `RESIZED_SCORES_ON_GPU`, so that the labels of a photo of any
    size fit into memory.
    """
    classes, rows, columns = logits.shape
    if (rows, columns) == (height, width):
        yield logits
        return
    # computed by the processor, which needs the rows' numbers, so that it need not wait for a GPU
    place = ((torch.arange(height) + 0.5) * (rows / height) - 0.5).clamp(min=0)
    upper = place.long().clamp(max=rows - 1)
    lower = (upper + 1).clamp(max=rows - 1)
    step = max(1, (RESIZED_SCORES_ON_GPU if logits.is_cuda else RESIZED_SCORES) // (classes * width))
    bounds = [
        (slice(start, start + step), int(upper[start]), int(lower[min(start + step, height) - 1]) + 1)
        for start in range(0, height, step)
    ]
    share = (place - upper)[None, :, None].to(logits.device)
    upper, lower = upper.to(logits.device), lower.to(logits.device)
    for band, first, last in bounds:
        wide = F.interpolate(logits[None, :, first:last], (last - first, width), mode="bilinear", align_corners=False)
        wide, weight = wide[0], share[:, band].to(logits.dtype)
        yield torch.lerp(wide[:, upper[band] - first], wide[:, lower[band] - first], weight)
