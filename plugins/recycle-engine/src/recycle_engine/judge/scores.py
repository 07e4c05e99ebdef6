"""From counts to scores with intervals: the three mIoU, each class, boundary, calibration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from recycle_engine.judge.per_image_counts import PerImageCounts, class_iou, mean_iou
from recycle_engine.judge.resample import AdditiveRows, Floats, bootstrap, interval, total

Metric = Literal["miou_dataset", "miou_image", "miou_256", "boundary_iou"]
METRICS: tuple[Metric, ...] = get_args(Metric)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A score in 0..1 with its 95 % interval over photos.

    Attributes:
        value: the score.
        low, high: bounds of the bootstrap's percentile interval; None where there is one photo.
    """

    value: float
    low: float | None
    high: float | None

    def __format__(self, form: str) -> str:
        return format(self.value, form)


@dataclass(frozen=True, slots=True)
class ClassScores:
    """Scores of one class over all pixels of all photos; None where nothing is divided by nothing.

    Attributes:
        name: of the class.
        photos: how many show it, in truth.
        iou: hit / (true + predicted - hit).
        precision: hit / predicted.
        recall: hit / true.
        boundary_iou: the IoU of its inner boundary, see `boundary_counts`.
    """

    name: str
    photos: int
    iou: Estimate | None
    precision: Estimate | None
    recall: Estimate | None
    boundary_iou: Estimate | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores over a set of photos.

    A class in neither truth nor prediction is in no mean; one that is only predicted has IoU 0
    and is in it.

    Attributes:
        photos: how many.
        measured_at: what `accuracy`, `classes` and `confusion` were counted on: `own size`, or
            `256x256` where nothing larger is known (a submission file).
        miou_dataset: mean over classes of the IoU over all pixels of all photos at their own
            size; None where only 256x256 is known.
        miou_image: mean over photos of the mean IoU of the photo's own classes, at its own size;
            photos that are all ignored are left out; None as above.
        miou_256: as `miou_dataset`, on labels reduced to 256x256 by nearest pixel: the contest's.
        boundary_iou: as `miou_dataset`, over the pixels near outlines; None as above.
        accuracy: share of right pixels.
        calibration_error: expected calibration error in 0..1; None where no confidence is known.
        reliability: (mean confidence, accuracy, pixels) of each bin of confidence.
        classes: each class, by label.
        confusion: K x K pixel counts, truth by row.
    """

    photos: int
    measured_at: Literal["own size", "256x256"]
    miou_dataset: Estimate | None
    miou_image: Estimate | None
    miou_256: Estimate
    boundary_iou: Estimate | None
    accuracy: float
    calibration_error: float | None
    reliability: tuple[tuple[float, float, int], ...]
    classes: tuple[ClassScores, ...]
    confusion: tuple[tuple[int, ...], ...]

    @property
    def iou(self) -> dict[str, float | None]:
        """Class name to IoU."""
        return {entry.name: None if entry.iou is None else entry.iou.value for entry in self.classes}

    def as_dict(self) -> dict[str, Any]:
        """For --json: only JSON's own types, NaN as None."""
        return {key: _plain(value) for key, value in asdict(self).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value


class PhotoRows:
    """A ledger's photos as additive rows: 9 K counts, the photo's mean IoU, and 1 if it has one."""

    def __init__(self, ledger: PerImageCounts) -> None:
        self._counts = ledger.counts

    def __len__(self) -> int:
        return len(self._counts)

    def __getitem__(self, block: slice, /) -> Floats:
        counts = self._counts[block]
        own = mean_iou(class_iou(counts[:, 0]))
        known = ~np.isnan(own)
        flat = counts.reshape(len(counts), -1).astype(np.float64)
        return np.column_stack([flat, np.where(known, own, 0), known])


def rows_of(ledger: PerImageCounts, groups: Sequence[int] | None = None) -> AdditiveRows:
    """Rows of a ledger: one for each photo, or for each group of photos that were drawn together.

    Args:
        ledger: the counts.
        groups: a number for each photo; photos of one number count as one draw.
    """
    rows = PhotoRows(ledger)
    if groups is None:
        return rows
    codes = np.unique(np.asarray(groups), return_inverse=True)[1]
    values = rows[:]
    table = np.zeros((codes.max() + 1, values.shape[1]))
    np.add.at(table, codes, values)
    return table


def views_of(sums: Floats) -> Floats:
    """(B, 3, 3, K) counts, see `photo_counts`, of (B, D) sums of rows."""
    return sums[:, :-2].reshape(len(sums), 3, 3, -1)


def headline(sums: Floats) -> Floats:
    """(B, 4) values of `METRICS` from (B, D) sums of rows."""
    views = views_of(sums)
    own, reduced, boundary = (mean_iou(class_iou(views[:, view])) for view in range(3))
    with np.errstate(invalid="ignore"):
        return np.column_stack([own, sums[:, -2] / sums[:, -1], reduced, boundary])


def per_class(sums: Floats) -> Floats:
    """(B, 4 K) IoU, precision, recall and boundary IoU of each class from (B, D) sums of rows."""
    views = views_of(sums)
    hit, true, said = (views[:, 0, part] for part in range(3))
    with np.errstate(invalid="ignore"):
        return np.column_stack([class_iou(views[:, 0]), hit / said, hit / true, class_iou(views[:, 2])])


def evaluation(
    ledger: PerImageCounts, groups: Sequence[int] | None = None, seed: int = 0, reduced: bool = False
) -> Evaluation:
    """The scores of a ledger with intervals.

    Args:
        ledger: at least one photo.
        groups: a number for each photo; those of one number are drawn together (see `rows_of`).
        seed: of the bootstrap.
        reduced: the labels that were counted are of 256x256 pixels already, so nothing is known
            of the photos' own size.
    """
    classes = len(ledger.class_names)
    rows = rows_of(ledger, groups)
    everything = total(rows)[None]
    values = np.concatenate([headline(everything)[0], per_class(everything)[0]])
    low, high = np.full((2, len(values)), np.nan)
    if len(rows) > 1:
        low, high = interval(bootstrap(rows, lambda sums: np.hstack([headline(sums), per_class(sums)]), seed))

    def estimate(place: int) -> Estimate | None:
        if np.isnan(values[place]):
            return None
        bounds = [None if np.isnan(bound) else float(bound) for bound in (low[place], high[place])]
        return Estimate(float(values[place]), *bounds)

    shown = (ledger.counts[:, 0, 1] > 0).sum(0)
    offset = len(METRICS)
    table = []
    for label, name in enumerate(ledger.class_names):
        iou, precision, recall, boundary = (estimate(offset + part * classes + label) for part in range(4))
        table.append(ClassScores(name, int(shown[label]), iou, precision, recall, None if reduced else boundary))
    own, image, small, boundary = (estimate(place) for place in range(4))
    pixels: NDArray[np.int64] = ledger.confusion
    return Evaluation(
        photos=len(ledger),
        measured_at="256x256" if reduced else "own size",
        miou_dataset=None if reduced else own,
        miou_image=None if reduced else image,
        miou_256=small or Estimate(math.nan, None, None),
        boundary_iou=None if reduced else boundary,
        accuracy=float(pixels.trace() / pixels.sum()) if pixels.sum() else math.nan,
        calibration_error=ledger.calibration.error,
        reliability=tuple(ledger.calibration.bins()),
        classes=tuple(table),
        confusion=tuple(tuple(row) for row in pixels.tolist()),
    )
