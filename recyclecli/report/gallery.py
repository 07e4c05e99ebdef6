"""The best and the worst photos of an evaluation, as small pictures."""

from __future__ import annotations

import base64
import heapq
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recyclecli.data.fit import resize_image, resize_labels
from recyclecli.engine.pictures import overlay_image
from recyclecli.types import IGNORE, Sample

WIDTH = 320  # pixels of each picture
QUALITY = 82


@dataclass(frozen=True, slots=True, order=True)
class Shown:
    """A photo of the gallery.

    Attributes:
        iou: mean IoU over the classes of this photo.
        name: its file name.
        pictures: data URIs of the photo, the truth, the prediction and the errors.
    """

    iou: float
    name: str
    pictures: tuple[str, str, str, str]


class Gallery:
    """Watches an evaluation and keeps the `count` best and worst photos; memory does not grow.

    Args:
        colors: RGB colour of each label.
        count: photos of each kind.
    """

    def __init__(self, colors: list[tuple[int, int, int]], count: int = 4) -> None:
        self._colors = np.array(colors, np.uint8)
        self._count = count
        self._best: list[tuple[float, str, Shown]] = []
        self._worst: list[tuple[float, str, Shown]] = []

    def __call__(self, name: str, sample: Sample, predicted: NDArray[np.uint8], iou: float) -> None:
        """Look at one photo: its sample, the predicted labels (H, W), its mean IoU (NaN: all is ignored)."""
        if np.isnan(iou):
            return
        for heap, rank in ((self._best, iou), (self._worst, -iou)):
            if len(heap) < self._count or rank > heap[0][0]:
                entry = (rank, name, self._shown(name, iou, sample, predicted))
                heapq.heappush(heap, entry)
                if len(heap) > self._count:
                    heapq.heappop(heap)

    def best(self) -> list[Shown]:
        """The best photos, the very best first."""
        return [shown for _, _, shown in sorted(self._best, reverse=True)]

    def worst(self) -> list[Shown]:
        """The worst photos that are not among the best, the very worst first."""
        best = {name for _, name, _ in self._best}
        return [shown for _, name, shown in sorted(self._worst, reverse=True) if name not in best]

    def _shown(self, name: str, iou: float, sample: Sample, predicted: NDArray[np.uint8]) -> Shown:
        image, truth, predicted = _reduced(sample.image, sample.mask, predicted)
        known = np.where(truth == IGNORE, 0, truth)
        wrong = (predicted != truth) & (truth != IGNORE)
        grey = np.repeat(image.mean(2, keepdims=True), 3, 2) * 0.55 + 90
        grey[wrong] = (214, 39, 40)
        grey[truth == IGNORE] = (120, 120, 160)
        pictures = (
            Image.fromarray(image),
            overlay_image(image, known, self._colors),
            overlay_image(image, predicted, self._colors),
            Image.fromarray(grey.astype(np.uint8)),
        )
        return Shown(iou, name, tuple(data_uri(picture) for picture in pictures))  # type: ignore[arg-type]


def data_uri(image: Image.Image) -> str:
    """A JPEG as a data URI."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def _reduced(
    image: NDArray[np.uint8], truth: NDArray[np.uint8], predicted: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    width = min(WIDTH, image.shape[1])
    height = max(1, round(image.shape[0] * width / image.shape[1]))
    return (
        resize_image(image, height, width),
        resize_labels(truth, height, width),
        resize_labels(predicted, height, width),
    )
