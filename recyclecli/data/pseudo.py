"""Labels from predictions: sure pixels become labels, the rest is ignored, and each object says where it is from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from recyclecli.coco import has_background
from recyclecli.coco.writer import categories_of, shape_of
from recyclecli.data.regions import labelled_regions
from recyclecli.errors import RecycleError, nearest
from recyclecli.progress import track
from recyclecli.types import IGNORE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SCALE = 65535  # of a stored confidence
BINS = 1024
BAND = 1024  # rows that are counted at a time
MARK = "pseudo"  # key of an annotation or image that a model made, with how

Rule = Literal["fixed", "quantile", "class-balanced"]

Read = Callable[[], Iterator[tuple[str, "NDArray[np.uint8]", "NDArray[np.uint16]"]]]


@dataclass(frozen=True, slots=True)
class Made:
    """Pseudo-labels.

    Attributes:
        document: COCO, the photos that were kept.
        thresholds: class name to the probability that a pixel of it had to have.
        kept: class name to the share of its predicted pixels that became labels.
        rejected: `file_name`s of photos too little of which was sure.
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
    read: Read,
    class_names: tuple[str, ...],
    rule: Rule = "fixed",
    value: float = 0.9,
    named: Mapping[str, float] = {},
    least: float = 0.1,
    origin: Mapping[str, Any] = {},
) -> Made:
    """Make labels of predictions.

    Args:
        read: gives, each time it is called, the photos' names, labels (H, W) and confidences (H, W)
            uint16, probability times 65535, one by one.
        class_names: K names by label.
        rule: `fixed`: a pixel needs the probability `value`. `quantile`: of each class's pixels the
            surest share `value` is taken (Zou et al., "Class-balanced self-training", 2018).
            `class-balanced`: the probability `value`, lowered for a class of which fewer pixels reach
            it than of the best one: to b / (2 - b) of it, b the ratio of the two shares, but not below
            half; a class of which none does keeps it (after Zhang et al., "FlexMatch", 2021).
        value: 0 to 1.
        named: class name to the probability that its pixels need instead.
        least: photos of which a smaller share is sure are left out, 0 to 1.
        origin: what is noted of each object, beside its threshold and its mean confidence.

    Raises:
        RecycleError: see `check_values`; or no photo is left.
    """
    import numpy as np

    check_values(class_names, value, named, least)
    counts = np.zeros((len(class_names), BINS), np.int64)
    for _, labels, confidence in read():
        for top in range(0, len(labels), BAND):
            part = slice(top, top + BAND)
            place = labels[part].astype(np.int64) * BINS + confidence[part] // ((SCALE + 1) // BINS)
            counts += np.bincount(place.ravel(), minlength=counts.size).reshape(counts.shape)
    limits = _limits(counts, rule, value)
    for name, wanted in named.items():
        limits[class_names.index(name)] = wanted
    needed = np.ceil(limits * SCALE).clip(1).astype(np.uint16)
    photos = _photos(read, class_names, needed, limits, origin)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    rejected = []
    taken = np.zeros(len(class_names), np.int64)
    for name, shape, share, own, objects in photos:
        if share < least:
            rejected.append(name)
            continue
        taken += own
        number = len(images) + 1
        mark = {**origin, "kept": round(share, 4)}
        images.append({"id": number, "file_name": name, "width": shape[1], "height": shape[0], MARK: mark})
        for one in objects:
            annotations.append({"id": len(annotations) + 1, "image_id": number, **one})
    if not images:
        raise RecycleError(
            f"{least:.0%} of the pixels is sure enough in none of {len(rejected)} photos",
            "lower --threshold or --least",
        )
    said = counts.sum(1)
    return Made(
        {"images": images, "annotations": annotations, "categories": categories_of(class_names, True)},
        dict(zip(class_names, limits.tolist(), strict=True)),
        {name: float(taken[label] / said[label]) for label, name in enumerate(class_names) if said[label]},
        tuple(rejected),
    )


def check_values(class_names: Sequence[str], value: float, named: Mapping[str, float], least: float) -> None:
    """Raise RecycleError where a value lies outside of 0 to 1, or a name is no class; see `pseudo_labels`."""
    for name, wanted in {"threshold": value, "least": least, **named}.items():
        if not 0 <= wanted <= 1:
            raise RecycleError(f"{name} {wanted:g}", "give a number from 0 to 1")
    for name in named:
        if name not in class_names:
            raise RecycleError(f"no class is called {name!r}", nearest(name, class_names))


def _limits(counts: NDArray[np.int64], rule: Rule, value: float) -> NDArray[np.float64]:
    """The probability that a pixel of each class needs, from (K, BINS) counts of the predicted pixels."""
    import numpy as np

    if rule == "quantile":
        above = counts[:, ::-1].cumsum(1)[:, ::-1]  # as sure as this bin or surer
        enough = above >= value * counts.sum(1, keepdims=True)
        return np.where(counts.any(1), (BINS - 1 - enough[:, ::-1].argmax(1)) / BINS, 1.0)
    limits = np.full(len(counts), value)
    if rule == "class-balanced":
        sure = counts[:, int(value * BINS) :].sum(1) / np.maximum(counts.sum(1), 1)
        ratio = sure / max(sure.max(), 1e-12)
        limits *= np.where(sure > 0, np.maximum(ratio / (2 - ratio), 0.5), 1.0)
    return limits


def _photos(
    read: Read,
    class_names: tuple[str, ...],
    needed: NDArray[np.uint16],
    limits: NDArray[np.float64],
    origin: Mapping[str, Any],
) -> Iterator[tuple[str, tuple[int, ...], float, NDArray[np.int64], list[dict[str, Any]]]]:
    """Each photo's name, size, share of sure pixels, sure pixels of each class, and objects."""
    import numpy as np

    background = has_background(class_names)
    for name, labels, confidence in read():
        sure = confidence >= needed[labels]
        own = np.bincount(labels[sure], minlength=len(class_names))
        kept = np.where(sure, labels, IGNORE).astype(np.uint8)
        objects = []
        for region in labelled_regions(kept, background):
            rows, columns = region.pixels.shape
            window = confidence[region.top : region.top + rows, region.left : region.left + columns]
            one = {"category_id": min(region.label, len(class_names)), **shape_of(region, *labels.shape)}
            if region.label != IGNORE:
                certain = float(window[region.pixels].mean() / SCALE)
                one[MARK] = {
                    **origin,
                    "threshold": round(float(limits[region.label]), 4),
                    "confidence": round(certain, 4),
                }
            objects.append(one)
        yield name, labels.shape, float(sure.mean()), own, objects


def of_submission(
    rows: Mapping[str, NDArray[np.uint8]], sizes: Iterable[tuple[str, tuple[int, int]]]
) -> Iterator[tuple[str, NDArray[np.uint8], NDArray[np.uint16]]]:
    """A submission's (256, 256) labels enlarged to the photos' (height, width), all of them sure."""
    import numpy as np

    from recyclecli.data.fit import resize_labels

    for name, (height, width) in sizes:
        labels = resize_labels(rows[name], height, width)
        yield name, labels, np.full(labels.shape, SCALE, np.uint16)


def of_folder(
    out: Path, names: Sequence[str], masks: Sequence[Path]
) -> Iterator[tuple[str, NDArray[np.uint8], NDArray[np.uint16]]]:
    """What `recycle predict` wrote of photos as masks and confidence."""
    import numpy as np
    from PIL import Image

    for name, mask in track(list(zip(names, masks, strict=True)), len(names), "labelling"):
        confidence = out / "confidence" / mask.relative_to(out / "masks")
        yield name, np.asarray(Image.open(mask)), np.asarray(Image.open(confidence)).astype(np.uint16)
