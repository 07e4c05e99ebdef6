"""What one photo holds: pixels, objects and areas of each class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recycle_coco import has_background, paint, rasterise
from recycle_coco.counts import PIXELS_PER_BAND
from recycle_coco.photo import check_size

from recycle_data.sources import read_labels
from recyclecli.types import IGNORE, Annotation, Record, Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Tally:
    """What one photo holds; K classes.

    Attributes:
        pixels: (K + 1,) visible pixels of each class after painting; the last is the ignored ones.
        objects: (K,) objects of each class: neither crowds nor ignored regions, at least one pixel.
        crowds: (K,) crowds of each class.
        hidden: (K,) those of them that others cover wholly.
        areas: per object its label and its own area in pixels, covered parts included.
    """

    pixels: NDArray[np.int64]
    objects: NDArray[np.int64]
    crowds: NDArray[np.int64]
    hidden: NDArray[np.int64]
    areas: tuple[tuple[int, int], ...]


def tallies(source: Source, photos: Sequence[int] | None = None) -> Iterator[tuple[Record, Tally]]:
    """Record and tally of each of `photos`, all when left out.

    Labels are read only where the source knows no annotations at all: they are painted instead.

    Raises:
        RecycleError: labels that must be read cannot be.
    """
    drawn = not any(source.record(index).annotations for index in range(len(source)))
    classes = len(source.class_names)
    ground = 0 if has_background(source.class_names) else IGNORE
    for index in range(len(source)) if photos is None else photos:
        record = source.record(index)
        if drawn:
            yield record, _tally(*read_labels(source, index), None, classes)
        else:
            check_size(record.file, record.height, record.width)
            mask, instances = paint(record.annotations, record.height, record.width, ground)
            yield record, _tally(mask, instances, record.annotations, classes)


def _tally(
    mask: NDArray[np.uint8],
    instances: NDArray[np.int32],
    annotations: Sequence[Annotation] | None,
    classes: int,
) -> Tally:
    import numpy as np

    flat_mask, flat = mask.reshape(-1), instances.reshape(-1)
    counts = np.zeros(IGNORE + 1, np.int64)
    count = int(flat.max(initial=0)) + 1 if annotations is None else len(annotations) + 1
    visible = np.zeros(count, np.int64)
    label_of = np.full(count, IGNORE, np.int64)
    for start in range(0, len(flat), PIXELS_PER_BAND):
        piece = slice(start, start + PIXELS_PER_BAND)
        counts += np.bincount(flat_mask[piece], minlength=IGNORE + 1)
        visible += np.bincount(flat[piece], minlength=count)
        if annotations is None:
            label_of[flat[piece]] = flat_mask[piece]
    own = visible
    if annotations is not None:
        height, width = mask.shape
        own, label_of = _own_areas(annotations, height, width)
    objects, hidden = np.zeros(classes, np.int64), np.zeros(classes, np.int64)
    areas = []
    for number in range(1, count):
        label = int(label_of[number])
        if own[number] and label < classes:
            objects[label] += 1
            hidden[label] += visible[number] == 0
            areas.append((label, int(own[number])))
    regions = [one.label for one in annotations or () if one.iscrowd and one.label < classes]
    crowds = np.bincount(regions, minlength=classes).astype(np.int64)
    return Tally(np.append(counts[:classes], counts[IGNORE]), objects, crowds, hidden, tuple(areas))


def _own_areas(
    annotations: Sequence[Annotation], height: int, width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Own area and label of each annotation from 1; crowds and ignored regions have area 0."""
    import numpy as np
    from pycocotools import mask as coco

    own, label_of = np.zeros(len(annotations) + 1, np.int64), np.full(len(annotations) + 1, IGNORE, np.int64)
    for number, annotation in enumerate(annotations, start=1):
        if annotation.iscrowd or annotation.label == IGNORE:
            continue
        rle = rasterise(annotation.segmentation, height, width)
        label_of[number] = annotation.label
        own[number] = 0 if rle is None else int(coco.area(rle))
    return own, label_of


def object_counts(source: Source) -> NDArray[np.int64]:
    """(K,) objects of each class, as `Stats.objects` counts them, but without painting annotations.

    Raises:
        RecycleError: a photo without annotations cannot be read.
    """
    import numpy as np

    classes = len(source.class_names)
    counts = np.zeros(classes, np.int64)
    records = [source.record(index) for index in range(len(source))]
    if not any(record.annotations for record in records):
        for _, tally in tallies(source):
            counts += tally.objects
        return counts
    for record in records:
        own, label_of = _own_areas(record.annotations, record.height, record.width)
        counts += np.bincount(label_of[(own > 0) & (label_of < classes)], minlength=classes)
    return counts
