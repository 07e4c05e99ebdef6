"""Labels from predictions: sure pixels become labels, the rest is ignored, and each object says where it is from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from recycle_coco import connected_pieces, has_background
from recycle_coco.photo import open_photo

from recycle_data.augmented import document
from recycle_data.coco_document import mask_regions, shape_of
from recycle_data.progress import track
from recyclecli.errors import RecycleError, counted, suggest
from recyclecli.types import IGNORE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FULL_CONFIDENCE = 65535  # of a stored confidence
CONFIDENCE_BINS = FULL_CONFIDENCE + 1  # one for each confidence
COUNTED_ROWS = 1024  # rows that are counted at a time
PSEUDO_KEY = "pseudo"  # key of an annotation or image that a model made, with how

Rule = Literal["fixed", "quantile", "class-balanced"]

PseudoReader = Callable[[], Iterator[tuple[str, "NDArray[np.uint8]", "NDArray[np.uint16]"]]]


@dataclass(frozen=True, slots=True)
class Sureness:
    """Which predicted pixels are confident enough to become labels.

    Attributes:
        rule: `fixed`: a pixel needs the probability `threshold`. `quantile`: of each class's pixels the
            surest share `threshold` is taken (Zou et al., "Class-balanced self-training", 2018), exactly: of those
            as sure as the last of it a seeded draw.
            `class-balanced`: the probability `threshold`, lowered for a class of which fewer pixels reach
            it than of the best one: to b / (2 - b) of it, b the ratio of the two shares, but not below
            half; a class of which none does keeps it (after Zhang et al., "FlexMatch", 2021).
        threshold: 0 to 1.
        named: class name to the probability that its pixels need instead.
        agree: share of the models and views whose label must be the same, 0 to 1.
        min_coverage: photos of which a smaller share is sure are left out, 0 to 1.
    """

    rule: Rule = "fixed"
    threshold: float = 0.9
    named: Mapping[str, float] = field(default_factory=dict)
    agree: float = 0
    min_coverage: float = 0.1

    def check(self, class_names: Sequence[str]) -> None:
        """Raise RecycleError where there is no such rule, a value lies outside of 0 to 1, or a name is no class."""
        if self.rule not in get_args(Rule):
            raise RecycleError(f"rule {self.rule!r} is unknown", suggest(str(self.rule), get_args(Rule)))
        values = {"threshold": self.threshold, "agree": self.agree, "min_coverage": self.min_coverage}
        for name, wanted in {**values, **self.named}.items():
            if not 0 <= wanted <= 1:
                raise RecycleError(f"{name} {wanted:g}", "give a number from 0 to 1")
        for name in self.named:
            if name not in class_names:
                raise RecycleError(f"no class is called {name!r}", suggest(name, class_names))


USUAL = Sureness()


@dataclass(frozen=True, slots=True)
class PseudoLabels:
    """Pseudo-labels.

    Attributes:
        document: COCO, the photos that were kept.
        thresholds: class name to the probability that a pixel of it had to have.
        kept: class name to the share of its predicted pixels that became labels.
        rejected: `file_name`s of photos with too few confident pixels.
        unreadable: of photos that cannot be read, what is wrong with each.
    """

    document: dict[str, Any]
    thresholds: Mapping[str, float]
    kept: Mapping[str, float]
    rejected: tuple[str, ...]
    unreadable: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For --json, without the document."""
        images = [image["file_name"] for image in self.document["images"]]
        rest = {key: getattr(self, key) for key in ("thresholds", "kept", "rejected", "unreadable")}
        return {"photos": images, **rest}


def pseudo_labels(
    read: PseudoReader,
    class_names: tuple[str, ...],
    wanted: Sureness = USUAL,
    origin: Mapping[str, Any] = {},
) -> PseudoLabels:
    """Make labels of predictions.

    Args:
        read: gives, each time it is called, the photos' names, labels (H, W) and confidences (H, W)
            uint16, probability times 65535, one by one.
        class_names: K names by label.
        wanted: which pixels become labels; `agree` is applied where the confidences are made.
        origin: what is noted of each object, beside its threshold and its mean confidence.

    Raises:
        RecycleError: see `Sureness.check`; or no photo is left.
    """
    import numpy as np

    wanted.check(class_names)
    counts = np.zeros((len(class_names), CONFIDENCE_BINS), np.int64)
    for _, labels, confidence in read():
        for top in range(0, len(labels), COUNTED_ROWS):
            said, certain = labels[top : top + COUNTED_ROWS], confidence[top : top + COUNTED_ROWS]
            for label in np.unique(said):
                counts[label] += np.bincount(certain[said == label], minlength=CONFIDENCE_BINS)
    limits = _limits(counts, wanted.rule, wanted.threshold)
    for name, value in wanted.named.items():
        limits[class_names.index(name)] = value
    needed = _least_sure(limits)
    ties = [
        _Ties(counts[label], label, int(needed[label]), wanted.threshold)
        for label, name in enumerate(class_names)
        if wanted.rule == "quantile" and name not in wanted.named
    ]
    predicted, taken = counts.sum(1), np.zeros(len(class_names), np.int64)
    rejected: list[str] = []

    def kept() -> Iterator[dict[str, Any]]:
        for name, labels, confidence in read():
            sure = confidence >= needed[labels]
            for tie in ties:
                tie.leave_out(labels, confidence, sure)
            share = float(sure.mean())
            if share < wanted.min_coverage:
                rejected.append(name)
                continue
            taken[:] += np.bincount(labels[sure], minlength=len(class_names))
            mask = np.where(sure, labels, IGNORE).astype(np.uint8)
            objects = list(_objects(mask, confidence, has_background(class_names), limits, origin))
            size = {"width": labels.shape[1], "height": labels.shape[0]}
            yield {"file_name": name, **size, PSEUDO_KEY: {**origin, "kept": round(share, 4)}, "objects": objects}

    content = document(class_names, kept())
    if not content["images"]:
        raise RecycleError(
            f"{wanted.min_coverage:.0%} of the pixels is sure enough in none of {counted(len(rejected), 'photo')}",
            "lower --threshold or --min-coverage",
        )
    shares = {
        name: float(taken[label] / count) for label, name in enumerate(class_names) if (count := predicted[label])
    }
    return PseudoLabels(content, dict(zip(class_names, limits.tolist(), strict=True)), shares, tuple(rejected))


def _limits(counts: NDArray[np.int64], rule: Rule, value: float) -> NDArray[np.float64]:
    """The probability that a pixel of each class needs, from (K, BINS) counts of the predicted pixels."""
    import numpy as np

    limits = np.full(len(counts), value, np.float64)
    if rule == "quantile":
        for label, row in enumerate(counts):
            above = row[::-1].cumsum()  # as sure as 1, as a little less, and so on
            enough = int(np.searchsorted(above, value * above[-1]))
            limits[label] = (FULL_CONFIDENCE - enough) / FULL_CONFIDENCE if above[-1] else 1
    elif rule == "class-balanced":
        first = int(_least_sure(limits[:1])[0])
        sure = counts[:, first:].sum(1) / np.maximum(counts.sum(1), 1)
        ratio = sure / max(sure.max(), 1e-12)
        limits *= np.where(sure > 0, np.maximum(ratio / (2 - ratio), 0.5), 1.0)
    return limits


class _Ties:
    """The pixels of a class that are exactly as sure as the last of its share: so many that the share is exact.

    Args:
        counts: (BINS,) pixels of the class by confidence.
        label: of the class.
        limit: the least confidence of its share.
        share: of its pixels, 0 to 1.
    """

    def __init__(self, counts: NDArray[np.int64], label: int, limit: int, share: float) -> None:
        import numpy as np

        self._label, self._limit, self._all, self._seen = label, limit, int(counts[limit]), 0
        surer = int(counts[limit + 1 :].sum())
        self._wanted = min(self._all, max(0, round(share * int(counts.sum())) - surer))
        self._chance = np.random.default_rng(label)

    def leave_out(self, labels: NDArray[np.uint8], confidence: NDArray[np.uint16], sure: NDArray[np.bool_]) -> None:
        """Take those of the next photo (H, W) out of `sure` that are not drawn; every photo gives its part."""
        import numpy as np

        if self._wanted == self._all:
            return
        places = np.flatnonzero((labels == self._label) & (confidence == self._limit))
        before, self._seen = self._seen, self._seen + len(places)
        taken = self._wanted * self._seen // self._all - self._wanted * before // self._all
        sure.ravel()[self._chance.permutation(places)[taken:]] = False


def _least_sure(limits: NDArray[np.float64]) -> NDArray[np.uint16]:
    """The least confidence of a pixel that reaches a probability; one of 0 never does."""
    import numpy as np

    return np.ceil(limits * FULL_CONFIDENCE).clip(1).astype(np.uint16)


def _objects(
    mask: NDArray[np.uint8],
    confidence: NDArray[np.uint16],
    background: bool,
    limits: NDArray[np.float64],
    origin: Mapping[str, Any],
) -> Iterator[dict[str, Any]]:
    """A photo's objects, each with where it is from, and what is ignored, as `document` takes them."""
    for region in mask_regions(mask, connected_pieces(mask, int(background)), background):
        one = {"label": region.label, **shape_of(region, *mask.shape)}
        if region.label != IGNORE:
            rows, columns = region.pixels.shape
            window = confidence[region.top : region.top + rows, region.left : region.left + columns]
            threshold = round(float(limits[region.label]), 6)
            certain = round(float(window[region.pixels].mean() / FULL_CONFIDENCE), 4)
            one[PSEUDO_KEY] = {**origin, "threshold": threshold, "confidence": certain}
        yield one


def of_submission(
    rows: Mapping[str, NDArray[np.uint8]], sizes: Iterable[tuple[str, tuple[int, int]]]
) -> Iterator[tuple[str, NDArray[np.uint8], NDArray[np.uint16]]]:
    """A submission's (256, 256) labels enlarged to the photos' (height, width), all of them sure."""
    import numpy as np

    from recycle_data.letterbox import resize_labels

    for name, (height, width) in sizes:
        labels = resize_labels(rows[name], height, width)
        yield name, labels, np.full(labels.shape, FULL_CONFIDENCE, np.uint16)


def of_folder(
    out: Path, names: Sequence[str], masks: Sequence[Path]
) -> Iterator[tuple[str, NDArray[np.uint8], NDArray[np.uint16]]]:
    """What `recycle predict` wrote of photos as masks and confidence."""
    import numpy as np

    for name, mask in track(list(zip(names, masks, strict=True)), len(names), "labelling"):
        confidence = out / "confidence" / mask.relative_to(out / "masks")
        with open_photo(mask, "mask") as (labels, _), open_photo(confidence, "confidence") as (sure, _):
            pixels = np.asarray(labels), np.asarray(sure).astype(np.uint16)
        yield name, *pixels
