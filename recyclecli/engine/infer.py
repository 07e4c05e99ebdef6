"""From photos of any size to labels of that size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from recyclecli.data.fit import fit_image, fitted_size
from recyclecli.engine.checkpoint import Trained
from recyclecli.engine.pipeline import View
from recyclecli.judge.calibration import SCALE
from recyclecli.types import Postprocessor

T = TypeVar("T")

BAND = 2**21  # logits that are resized at a time
BATCH_PIXELS = 2**25  # of photos that are held at a time: about 10 bytes each with their labels


@dataclass(frozen=True, slots=True)
class Stage:
    """One way to use the model's outputs: views to average over, then post-processors in order."""

    views: tuple[View, ...] = ()
    post: tuple[Postprocessor, ...] = ()


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is said of one photo.

    Attributes:
        labels: (H, W) uint8.
        confidence: (H, W) uint16, the largest probability at each pixel times 65535.
    """

    labels: NDArray[np.uint8]
    confidence: NDArray[np.uint16]


class Predictor:
    """A trained model with its stages, ready for photos; a view that several stages share is run once.

    Args:
        trained: from `load_trained`.
        stages: what each photo is predicted with, one prediction for each.
        device: torch device; the GPU when there is one.
    """

    def __init__(self, trained: Trained, stages: Sequence[Stage] = (Stage(),), device: str | None = None) -> None:
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._model = trained.model.to(self._device).to(memory_format=torch.channels_last)
        self._size = trained.size
        self._stages = list(stages)

    @torch.inference_mode()
    def predict(self, photos: Sequence[NDArray[np.uint8]]) -> Iterator[list[Prediction]]:
        """What each stage says of each photo (H, W, 3) uint8 RGB, at the photo's own size, one after the other.

        A photo is fitted into the training size. With views, the probabilities of the photo as
        it is and of each view are averaged; the logits (of the mean its log) are resized
        bilinearly to the photo's size before the largest is taken.
        """
        plain = self._logits(photos, None)
        seen = {view: self._logits(photos, view) for view in {view for stage in self._stages for view in stage.views}}
        for number, photo in enumerate(photos):
            means: dict[tuple[View, ...], torch.Tensor] = {(): plain[number]}
            for views in {stage.views for stage in self._stages if stage.views}:
                every = [plain[number], *(seen[view][number] for view in views)]
                probabilities = torch.stack([_sized(one, every[0].shape[1:]).softmax(0) for one in every])
                means[views] = probabilities.mean(0).clamp_(min=1e-12).log_()
            yield [self._own_size(means[stage.views], photo, stage.post) for stage in self._stages]

    def _logits(self, photos: Sequence[NDArray[np.uint8]], view: View | None) -> list[torch.Tensor]:
        """(K, h, w) float32 logits of each photo seen so, turned back, without the padding."""
        kind, _, amount = (view or "").partition("-")
        size = self._size if kind != "scale" else max(1, round(self._size * float(amount)))
        turns = int(kind.removeprefix("rot")) // 90 if kind.startswith("rot") else 0
        flipped = {"hflip": (-1,), "vflip": (-2,)}.get(kind, ())
        fitted = np.stack([fit_image(photo, size) for photo in photos])
        image = torch.from_numpy(fitted).to(self._device).permute(0, 3, 1, 2).float().div_(255)
        image = torch.rot90(image.flip(flipped), turns, (-2, -1))
        output = self._model(image.contiguous(memory_format=torch.channels_last))
        logits = output[0] if isinstance(output, tuple) else output
        logits = torch.rot90(logits, -turns, (-2, -1)).flip(flipped)
        inside = []
        for one, photo in zip(logits, photos, strict=True):
            rows, columns = fitted_size(photo.shape[0], photo.shape[1], size)
            inside.append(one[:, :rows, :columns].float())
        return inside

    def _own_size(
        self, logits: torch.Tensor, photo: NDArray[np.uint8], postprocessors: Sequence[Postprocessor]
    ) -> Prediction:
        height, width = photo.shape[:2]
        if not postprocessors:
            labels = np.empty((height, width), np.uint8)  # filled band by band, or the heap would fray
            confidence = np.empty((height, width), np.uint16)
            top = 0
            for band in resized_bands(logits, height, width):
                largest, part = band.max(0)
                sure = (largest - band.logsumexp(0)).exp_().mul_(SCALE).round_()
                rows = slice(top, top + len(part))
                labels[rows] = part.to(torch.uint8).cpu().numpy()
                confidence[rows] = sure.cpu().numpy()
                top += len(part)
            return Prediction(labels, confidence)
        whole = torch.cat(list(resized_bands(logits, height, width)), 1)
        probabilities: NDArray[np.float32] = whole.softmax(0).cpu().numpy()
        for postprocessor in postprocessors:
            probabilities = postprocessor(photo, probabilities)
        best: NDArray[np.uint8] = probabilities.argmax(0).astype(np.uint8)
        share = probabilities.max(0) / np.maximum(probabilities.sum(0), 1e-12)
        return Prediction(best, np.rint(np.clip(share, 0, 1) * SCALE).astype(np.uint16))


def _sized(logits: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """(K, h, w) logits at another size, bilinearly."""
    if logits.shape[1:] == tuple(size):
        return logits
    return F.interpolate(logits[None], tuple(size), mode="bilinear", align_corners=False)[0]


def resized_bands(logits: torch.Tensor, height: int, width: int) -> Iterator[torch.Tensor]:
    """(K, h, w) logits resized bilinearly to (K, height, width), in bands of rows from top to bottom.

    Together they equal `F.interpolate(..., mode="bilinear", align_corners=False)`; alone none
    is larger than `BAND` values, so that the labels of a photo of any size fit into memory.
    """
    classes, rows, columns = logits.shape
    if (rows, columns) == (height, width):
        yield logits
        return
    place = ((torch.arange(height, device=logits.device) + 0.5) * (rows / height) - 0.5).clamp(min=0)
    upper = place.long().clamp(max=rows - 1)
    lower = (upper + 1).clamp(max=rows - 1)
    share = (place - upper)[None, :, None]
    step = max(1, BAND // (classes * width))
    for start in range(0, height, step):
        band = slice(start, start + step)
        first, last = int(upper[band][0]), int(lower[band][-1]) + 1
        wide = F.interpolate(logits[None, :, first:last], (last - first, width), mode="bilinear", align_corners=False)
        wide, weight = wide[0], share[:, band].to(logits.dtype)
        yield torch.lerp(wide[:, upper[band] - first], wide[:, lower[band] - first], weight)


def batches(items: Iterable[T], size: int, pixels: Callable[[T], int]) -> Iterator[list[T]]:
    """Lists of up to `size` consecutive photos and, if more than one, of up to `BATCH_PIXELS` together.

    Args:
        items: what stands for the photos; they are not read for this.
        size: most photos of a list.
        pixels: height x width of a photo.
    """
    batch: list[T] = []
    total = 0
    for item in items:
        more = pixels(item)
        if batch and (len(batch) == size or total + more > BATCH_PIXELS):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += more
    if batch:
        yield batch
