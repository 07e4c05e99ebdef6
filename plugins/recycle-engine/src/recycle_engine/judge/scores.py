"""From counts to scores with intervals: the three mIoU, each class, boundary, calibration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from recycle_engine.judge.counts import COUNTED_VIEWS, CountedView
from recycle_engine.judge.per_image_counts import PerImageCounts, class_iou, mean_iou
from recycle_engine.judge.resample import AdditiveRows, Floats, bootstrap, interval, total

Metric = Literal["miou_dataset", "miou_image", "miou_256", "boundary_iou"]
METRICS: tuple[Metric, ...] = get_args(Metric)
VIEW_OF: dict[Metric, CountedView] = {
    "miou_dataset": "own", "miou_image": "own", "miou_256": "256", "boundary_iou": "boundary",
}  # fmt: skip
"""What is counted for each score."""


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
        miou_256: as `miou_dataset`, on labels reduced to 256x256 by nearest neighbour: the contest's.
        boundary_iou: as `miou_dataset`, over the pixels near outlines; None as above.
        accuracy: share of correct pixels.
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


def counts_of(sums: Floats, view: CountedView) -> Floats:
    """(B, 3, K) counts of a view, see `photo_counts`, of (B, D) sums of rows."""
    return sums[:, :-2].reshape(len(sums), len(COUNTED_VIEWS), 3, -1)[:, COUNTED_VIEWS.index(view)]


def score(sums: Floats, metric: Metric) -> Floats:
    """(B,) values of a metric from (B, D) sums of rows."""
    if metric == "miou_image":
        with np.errstate(invalid="ignore"):
            return sums[:, -2] / sums[:, -1]
    return mean_iou(class_iou(counts_of(sums, VIEW_OF[metric])))


def class_scores(sums: Floats) -> dict[str, Floats]:
    """(B, K) values of each score of `ClassScores` by its name, from (B, D) sums of rows."""
    own = counts_of(sums, "own")
    hit, true, said = np.moveaxis(own, 1, 0)
    with np.errstate(invalid="ignore"):
        found = {"iou": class_iou(own), "precision": hit / said, "recall": hit / true}
    return found | {"boundary_iou": class_iou(counts_of(sums, "boundary"))}


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
    rows = rows_of(ledger, groups)

    def named(sums: Floats) -> dict[str, Floats]:
        scores = {metric: score(sums, metric)[:, None] for metric in METRICS}
        return scores | {f"class {name}": values for name, values in class_scores(sums).items()}

    found = named(total(rows)[None])
    values = np.hstack([*found.values()])[0]
    low, high = np.full((2, len(values)), np.nan)
    if len(rows) > 1:
        low, high = interval(bootstrap(rows, lambda sums: np.hstack([*named(sums).values()]), seed))
    each = map(_estimate, values, low, high)
    estimates = {name: list(islice(each, part.shape[1])) for name, part in found.items()}

    def own_size(metric: Metric) -> Estimate | None:
        return None if reduced else estimates[metric][0]

    shown = (ledger.counts[:, COUNTED_VIEWS.index("own"), 1] > 0).sum(0)
    table = []
    for label, name in enumerate(ledger.class_names):
        own = {part: estimates[f"class {part}"][label] for part in ("iou", "precision", "recall", "boundary_iou")}
        table.append(ClassScores(name, int(shown[label]), **own | ({"boundary_iou": None} if reduced else {})))
    pixels: NDArray[np.int64] = ledger.confusion
    return Evaluation(
        photos=len(ledger),
        measured_at="256x256" if reduced else "own size",
        miou_dataset=own_size("miou_dataset"),
        miou_image=own_size("miou_image"),
        miou_256=estimates["miou_256"][0] or Estimate(math.nan, None, None),
        boundary_iou=own_size("boundary_iou"),
        accuracy=float(pixels.trace() / pixels.sum()) if pixels.sum() else math.nan,
        calibration_error=ledger.calibration.error,
        reliability=tuple(ledger.calibration.bins()),
        classes=tuple(table),
        confusion=tuple(tuple(row) for row in pixels.tolist()),
    )


def _estimate(value: float, low: float, high: float) -> Estimate | None:
    """None for a score of nothing; without an interval where there is none."""
    if np.isnan(value):
        return None
    return Estimate(float(value), *(None if np.isnan(bound) else float(bound) for bound in (low, high)))
