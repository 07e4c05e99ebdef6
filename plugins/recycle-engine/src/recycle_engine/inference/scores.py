"""From a model's scores to labels of the photo's size, without ever holding all scores at that size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from recycle_data.pseudo import FULL_CONFIDENCE
from torch.nn import functional as F

from recycle_engine.library_errors import memory_errors
from recyclecli.errors import RecycleError

TINY = 1e-12  # probability, before its log is taken
MOST_SCORES = 2**28  # of a photo, or of the rows of it, that are held at once: 1 GiB
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


class RowScores(Protocol):
    """Scores (K, h, w) that are computed as their rows are asked for, from top to bottom.

    Attributes:
        shape: K, h, w.
        device: where they are.
    """

    shape: tuple[int, int, int]
    device: torch.device

    def rows(self, first: int, last: int) -> torch.Tensor:
        """(K, last - first, w) float32; no `first` may be less than an earlier one."""
        ...


Scores = torch.Tensor | RowScores


@memory_errors()
def prediction_of(scores: Scores, height: int, width: int, confident: bool = True) -> Prediction:
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


def all_scores(scores: Scores) -> torch.Tensor:
    """All of a photo's scores at once, for who needs them more than once.

    Raises:
        RecycleError: they are more than `MOST_SCORES`.
    """
    if isinstance(scores, torch.Tensor):
        return scores
    classes, height, width = scores.shape
    if math.prod(scores.shape) > MOST_SCORES:
        raise RecycleError(
            f"a photo enlarged to {width}x{height} pixels has {math.prod(scores.shape)} scores of {classes} classes, "
            f"and at most {MOST_SCORES} are held where several models, or all probabilities, need them at once",
            "choose a smaller --sliding-window, or --plain to leave it out",
        )
    return scores.rows(0, height)


class MeanScores:
    """Scores of a photo from those of each way in which it was seen, at the size of the first; as `RowScores`."""

    def __init__(self, seen: Sequence[Scores]) -> None:
        classes, height, width = seen[0].shape
        self.shape, self.device = (classes, height, width), seen[0].device
        self._seen = [seen[0], *(ResizedScores(one, height, width) for one in seen[1:])]

    @torch.inference_mode()
    def rows(self, first: int, last: int) -> torch.Tensor:
        """See `RowScores`."""
        return mean_scores([_rows(one, first, last) for one in self._seen])


def mean_scores(every: Sequence[torch.Tensor]) -> torch.Tensor:
    """Scores whose softmax is the mean of those of several (K, h, w)."""
    return torch.stack([one.softmax(0) for one in every]).mean(0).clamp_(min=TINY).log_()


class ResizedScores:
    """Scores (K, h, w) resized bilinearly to (K, height, width), as `RowScores`.

    Equal to `F.interpolate(..., mode="bilinear", align_corners=False)`.
    """

    def __init__(self, scores: Scores, height: int, width: int) -> None:
        classes, rows, _ = scores.shape
        self.shape, self.device = (classes, height, width), scores.device
        self._scores = scores
        # computed by the processor, which needs the rows' numbers, so that it need not wait for a GPU
        place = ((torch.arange(height) + 0.5) * (rows / height) - 0.5).clamp(min=0)
        self._above = place.long().clamp(max=rows - 1)
        self._below = (self._above + 1).clamp(max=rows - 1)
        self._share = (place - self._above)[None, :, None].to(self.device)
        self._upper, self._lower = self._above.to(self.device), self._below.to(self.device)

    @torch.inference_mode()
    def rows(self, first: int, last: int) -> torch.Tensor:
        """See `RowScores`."""
        if self._scores.shape[1:] == self.shape[1:]:
            return _rows(self._scores, first, last)
        top, end = int(self._above[first]), int(self._below[last - 1]) + 1
        given = _rows(self._scores, top, end)[None]
        wide = F.interpolate(given, (end - top, self.shape[2]), mode="bilinear", align_corners=False)[0]
        band = slice(first, last)
        share = self._share[:, band].to(wide.dtype)
        return torch.lerp(wide[:, self._upper[band] - top], wide[:, self._lower[band] - top], share)


def sized(scores: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """(K, h, w) scores at another size, bilinearly."""
    if scores.shape[1:] == tuple(size):
        return scores
    return F.interpolate(scores[None], tuple(size), mode="bilinear", align_corners=False)[0]


def resized_bands(scores: Scores, height: int, width: int) -> Iterator[torch.Tensor]:
    """(K, h, w) scores resized bilinearly to (K, height, width), in bands of rows from top to bottom.

    Where they are not of that size already, no band is larger than `RESIZED_SCORES` values, on a GPU than
    `RESIZED_SCORES_ON_GPU`, so that the labels of a photo of any size fit into memory.
    """
    if isinstance(scores, torch.Tensor) and scores.shape[1:] == (height, width):
        yield scores
        return
    resized = ResizedScores(scores, height, width)
    most = RESIZED_SCORES_ON_GPU if scores.device.type == "cuda" else RESIZED_SCORES
    step = max(1, most // (scores.shape[0] * width))
    for start in range(0, height, step):
        yield resized.rows(start, min(start + step, height))


def _rows(scores: Scores, first: int, last: int) -> torch.Tensor:
    return scores[:, first:last] if isinstance(scores, torch.Tensor) else scores.rows(first, last)
