"""The best and the worst photos of an evaluation, as small pictures whose layers lie one upon the other."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from recycle_data.letterbox import resize_image, resize_labels
from recycle_data.pages.contact_sheet import first_label
from recycle_data.pages.data_uri import Rgba, jpeg_uri, layer_uri
from recycle_data.palette import Color
from recycle_engine.inference.outputs import outlines
from recycle_engine.inference.scores import Prediction

from recycle_report.summary import percent
from recyclecli.types import IGNORE, Sample

WIDTHS = (480, 320, 160)  # pixels of each picture; the first with which a photo and its layers fit into `GALLERY_BYTES`
GALLERY_BYTES = 350_000  # bytes
FILL = 150  # opacity of a class's colour, of 255; its outline is drawn full
WRONG, UNKNOWN, VEIL = (214, 39, 40, 190), (110, 110, 150, 190), (255, 255, 255, 130)
DOUBT = 16  # steps of the confidence layer
NAMED_CLASSES = 3  # classes in a photo's words


@dataclass(frozen=True, slots=True, order=True)
class GalleryPhoto:
    """A photo of the gallery.

    Attributes:
        iou: mean IoU over the classes of this photo.
        name: its file name.
        photo: the photo as a data URI, a JPEG.
        layers: name of each layer, what it shows in words, and its picture, a transparent PNG as a data URI.
        width, height: of the pictures, in pixels.
        mistake: the most frequent mistake in words; empty where there is none.
    """

    iou: float
    name: str
    photo: str
    layers: tuple[tuple[str, str, str], ...]
    width: int
    height: int
    mistake: str


class Gallery:
    """Watches an evaluation and keeps the `count` best and worst photos; memory does not grow.

    Args:
        class_names: K names by label.
        colors: RGB colour of each label.
        count: photos of each kind.
    """

    def __init__(self, class_names: Sequence[str], colors: Sequence[Color], count: int = 6) -> None:
        self._names = class_names
        self._colors = colors
        self._count = count
        self._best: list[tuple[float, str, GalleryPhoto]] = []
        self._worst: list[tuple[float, str, GalleryPhoto]] = []

    def __call__(self, name: str, sample: Sample, said: Prediction, iou: float) -> None:
        """Look at one photo: its sample, what is said of it, its mean IoU (NaN: all is ignored)."""
        if np.isnan(iou):
            return
        heaps = ((self._best, iou), (self._worst, -iou))
        entered = [(heap, rank) for heap, rank in heaps if len(heap) < self._count or rank > heap[0][0]]
        if not entered:
            return
        shown = self._shown(name, iou, sample, said)
        for heap, rank in entered:
            heapq.heappush(heap, (rank, name, shown))
            if len(heap) > self._count:
                heapq.heappop(heap)

    def best(self) -> list[GalleryPhoto]:
        """The best photos, the very best first."""
        return [shown for _, _, shown in sorted(self._best, reverse=True)]

    def worst(self) -> list[GalleryPhoto]:
        """The worst photos that are not among the best, the very worst first."""
        best = {name for _, name, _ in self._best}
        return [shown for _, name, shown in sorted(self._worst, reverse=True) if name not in best]

    def _shown(self, name: str, iou: float, sample: Sample, said: Prediction) -> GalleryPhoto:
        """The photo as large as it may be: noise does not compress, and twelve photos share the page's 5 MB."""
        for width in WIDTHS:
            shown = self._drawn(name, iou, sample, said, width)
            if len(shown.photo) + sum(len(uri) for _, _, uri in shown.layers) <= GALLERY_BYTES:
                break
        return shown

    def _drawn(self, name: str, iou: float, sample: Sample, said: Prediction, widest: int) -> GalleryPhoto:
        rows, columns = sample.image.shape[:2]
        height, width = _fitted(rows, columns, widest)
        image = resize_image(sample.image, height, width)
        truth, predicted = (resize_labels(labels, height, width) for labels in (sample.mask, said.labels))
        known = truth != IGNORE
        error = np.where(known, np.where(predicted != truth, 1, 0), 2).astype(np.uint8)
        layers = [
            ("truth", f"labelled {self._words(truth[known])}", self._label_layer(truth)),
            ("prediction", f"predicted {self._words(predicted.ravel())}", self._label_layer(predicted)),
            ("errors", f"{percent((error == 1).mean())} wrong, in red", layer_uri(error, [VEIL, WRONG, UNKNOWN])),
        ]
        if said.confidence.size:
            sure = resize_labels((said.confidence >> 8).astype(np.uint8), height, width)
            doubt = (DOUBT - 1 - sure // (256 // DOUBT)).astype(np.uint8)
            dark: list[Rgba] = [(20, 6, 40, round(225 * step / (DOUBT - 1))) for step in range(DOUBT)]
            layers.append(("confidence", f"{percent(sure.mean() / 255)} sure on average", layer_uri(doubt, dark)))
        mistake = self._mistake(truth, predicted)
        return GalleryPhoto(iou, name, jpeg_uri(image), tuple(layers), width, height, mistake)

    def _label_layer(self, labels: NDArray[np.uint8]) -> str:
        """Each class tinted with its outline full; background and ignored pixels clear."""
        first = first_label(self._names)
        classes = len(self._names)
        edge = outlines(labels)
        fills: list[Rgba] = [(*color, FILL) for color in self._colors]
        lines: list[Rgba] = [(*color, 255) for color in self._colors]
        clear: Rgba = (0, 0, 0, 0)
        places = np.where((labels == IGNORE) | (labels < first), classes, labels).astype(np.uint8)
        if 2 * classes + 1 <= 256:  # a PNG has room for so many colours
            places = np.where(edge & (places < classes), places + classes + 1, places).astype(np.uint8)
            return layer_uri(places, [*fills, clear, *lines])
        return layer_uri(places, [*fills, clear])

    def _words(self, labels: NDArray[np.uint8]) -> str:
        """The largest classes of some pixels with their shares."""
        counts = np.bincount(labels, minlength=len(self._names))
        counts[: first_label(self._names)] = 0
        order = [int(label) for label in np.argsort(-counts, kind="stable") if counts[label]]
        if not order:
            return "nothing"
        named = [f"{self._names[label]} {percent(counts[label] / labels.size)}" for label in order[:NAMED_CLASSES]]
        return ", ".join([*named, *([f"and {len(order) - NAMED_CLASSES} more"] if len(order) > NAMED_CLASSES else [])])

    def _mistake(self, truth: NDArray[np.uint8], predicted: NDArray[np.uint8]) -> str:
        wrong = (truth != IGNORE) & (truth != predicted)
        if not wrong.any():
            return ""
        classes = len(self._names)
        pairs = np.bincount(truth[wrong].astype(np.int64) * classes + predicted[wrong])
        true, said = divmod(int(pairs.argmax()), classes)
        return f"{self._names[true]} taken for {self._names[said]}, {percent(pairs.max() / truth.size)} of the photo"


def _fitted(height: int, width: int, widest: int) -> tuple[int, int]:
    """The size of a picture: `widest` wide, or as it is where it is smaller, and at most twice as high as wide."""
    scale = min(1, widest / width, 2 * widest / height)
    return max(1, round(height * scale)), max(1, round(width * scale))
