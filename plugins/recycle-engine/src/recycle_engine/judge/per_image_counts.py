"""What is remembered of each photo: counts, from which every score of any set of photos follows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recycle_engine.judge.calibration import Calibration
from recycle_engine.judge.counts import photo_counts
from recyclecli.errors import RecycleError, join_limited
from recyclecli.types import IGNORE

GROWTH = 1024  # photos that room is made for at a time


class PerImageCounts:
    """Counts of predictions against truth, photo by photo; no pixel is kept.

    A photo takes 36 bytes for each class, so that intervals and paired comparisons over photos
    are possible without a second look at them: 2 MB for 5,000 photos of 11 classes.

    Args:
        class_names: K names by label.

    Attributes:
        names: of the photos, in the order they were added.
        confusion: (K, K) int64 pixels at the photos' own size, truth by row.
        calibration: of the confidences, where they are known.
    """

    def __init__(self, class_names: tuple[str, ...]) -> None:
        self.class_names = class_names
        self.names: list[str] = []
        self.confusion = np.zeros((len(class_names),) * 2, np.int64)
        self.calibration = Calibration()
        self._counts = np.zeros((0, 3, 3, len(class_names)), np.uint32)
        self._added: list[NDArray[np.uint32]] = []  # blocks of what `_counts` lacks

    def __len__(self) -> int:
        return len(self.names)

    @property
    def counts(self) -> NDArray[np.uint32]:
        """(N, 3, 3, K) of the photos so far; see `photo_counts`."""
        if self._added:
            self._counts = np.concatenate([self._counts, *self._added])[: len(self.names)]
            self._added = []
        return self._counts

    def add(
        self,
        name: str,
        predicted: NDArray[np.uint8],
        truth: NDArray[np.uint8],
        confidence: NDArray[np.uint16] | None = None,
    ) -> float:
        """Count one photo; the mean IoU over its own classes, NaN where all is ignored.

        Args:
            name: of the photo.
            predicted: (H, W) labels, 0 to K - 1.
            truth: (H, W) labels, 255 = ignore.
            confidence: (H, W) uint16, see `Calibration.add`.

        Raises:
            RecycleError: the sizes differ, or a label is no class.
        """
        classes = len(self.class_names)
        if predicted.shape != truth.shape:
            said, true = ("x".join(map(str, labels.shape[::-1])) for labels in (predicted, truth))
            raise RecycleError(
                f"{name}: the prediction is {said} pixels, the truth {true}", "predict the same photos again"
            )
        largest = {"prediction": predicted.max(initial=0), "truth": truth.max(initial=0, where=truth != IGNORE)}
        for what, label in largest.items():
            if label >= classes:
                raise RecycleError(
                    f"{name}: the {what} holds label {label}, but the classes are 0 to {classes - 1}",
                    "use predictions and labels of one class list",
                )
        counts, own = photo_counts(predicted, truth, classes)
        block, place = divmod(len(self.names) - len(self._counts), GROWTH)
        if block == len(self._added):
            self._added.append(np.zeros((GROWTH, *counts.shape), np.uint32))
        self._added[block][place] = counts
        self.names.append(name)
        self.confusion += own
        if confidence is not None:
            self.calibration.add(confidence, predicted, truth)
        return float(mean_iou(class_iou(counts[0])))

    def take(self, photos: NDArray[np.integer]) -> PerImageCounts:
        """A ledger of some photos, by their places; without confusion and calibration, which are sums."""
        part = PerImageCounts(self.class_names)
        part.names = [self.names[photo] for photo in photos.tolist()]
        part._counts = self.counts[photos]
        return part

    def extend(self, other: PerImageCounts) -> None:
        """Add what another ledger of the same classes counted on other photos.

        Raises:
            RecycleError: the classes differ.
        """
        if other.class_names != self.class_names:
            raise RecycleError(
                f"scores of other classes cannot be added up: {join_limited(self.class_names)}; "
                f"{join_limited(other.class_names)}",
                "use results of one class list",
            )
        self._counts = np.concatenate([self.counts, other.counts])
        self.names += other.names
        self.confusion += other.confusion
        self.calibration.extend(other.calibration)

    def replace(self, photos: NDArray[np.integer], other: PerImageCounts) -> None:
        """Take over the counts of some photos, by their places, from a ledger of the same photos."""
        self.counts[photos] = other.counts[photos]

    def reorder(self, names: list[str]) -> None:
        """Bring the photos into the order of `names`, which are the same."""
        place = {name: index for index, name in enumerate(self.names)}
        self._counts = self.counts[[place[name] for name in names]]
        self.names = list(names)


def class_iou(counts: NDArray[Any]) -> NDArray[np.float64]:
    """(..., K) IoU of (..., 3, K) pixels hit, true and predicted: hit / (true + predicted - hit).

    NaN for a class in neither truth nor prediction (Everingham et al., 2010).
    """
    hit, true, said = (counts[..., part, :].astype(np.float64) for part in range(3))
    union = true + said - hit
    iou: NDArray[np.float64] = np.divide(hit, union, out=np.full(hit.shape, np.nan), where=union > 0)
    return iou


def mean_iou(iou: NDArray[np.float64]) -> NDArray[np.float64]:
    """(...) mean over the last axis of what is not NaN; NaN where nothing is left."""
    known = ~np.isnan(iou)
    total: NDArray[np.float64] = np.where(known, iou, 0).sum(-1)
    count = known.sum(-1)
    mean: NDArray[np.float64] = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean
