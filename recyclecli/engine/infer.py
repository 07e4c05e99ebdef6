"""From photos of any size to labels of that size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from recyclecli.data.fit import fit_image, fitted_size
from recyclecli.engine.checkpoint import Trained
from recyclecli.types import Postprocessor

T = TypeVar("T")

BAND = 2**21  # logits that are resized at a time
BATCH_PIXELS = 2**25  # of photos that are held at a time: 8 bytes each with their labels


class Predictor:
    """A trained model with its post-processors, ready for photos.

    Args:
        trained: from `load_trained`.
        postprocessors: applied in order to each photo's probabilities.
        device: torch device; the GPU when there is one.
    """

    def __init__(
        self, trained: Trained, postprocessors: Sequence[Postprocessor] = (), device: str | None = None
    ) -> None:
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._model = trained.model.to(self._device).to(memory_format=torch.channels_last)
        self._size = trained.size
        self._postprocessors = list(postprocessors)

    @torch.inference_mode()
    def labels(self, photos: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
        """Labels (H, W) uint8 of photos (H, W, 3) uint8 RGB, each at its own size.

        A photo is fitted into the training size; its logits are resized bilinearly to the
        photo's size before the largest is taken.
        """
        fitted = np.stack([fit_image(photo, self._size) for photo in photos])
        image = torch.from_numpy(fitted).to(self._device).permute(0, 3, 1, 2).float().div_(255)
        output = self._model(image.contiguous(memory_format=torch.channels_last))
        logits = output[0] if isinstance(output, tuple) else output
        return [self._own_size(one, photo) for one, photo in zip(logits, photos, strict=True)]

    def _own_size(self, logits: torch.Tensor, photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = photo.shape[:2]
        rows, columns = fitted_size(height, width, self._size)
        inside = logits[:, :rows, :columns].float()
        if not self._postprocessors:
            labels = np.empty((height, width), np.uint8)  # filled band by band, or the heap would fray
            top = 0
            for band in resized_bands(inside, height, width):
                part = band.max(0).indices
                labels[top : top + len(part)] = part.to(torch.uint8).cpu().numpy()
                top += len(part)
            return labels
        whole = torch.cat(list(resized_bands(inside, height, width)), 1)
        probabilities: NDArray[np.float32] = whole.softmax(0).cpu().numpy()
        for postprocessor in self._postprocessors:
            probabilities = postprocessor(photo, probabilities)
        best: NDArray[np.uint8] = probabilities.argmax(0).astype(np.uint8)
        return best


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
