"""What one photo holds: pixels, objects and areas of each class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recycle_coco import has_background, label_counts, paint, rasterise
from recycle_coco.counts import PIXELS_PER_BAND
from recycle_coco.paint import painted_areas
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
            yield record, _tally(*read_labels(source, index), classes)
        else:
            check_size(record.file, record.height, record.width)
            yield record, _tally_of(record, ground, classes)


def _tally_of(record: Record, ground: int, classes: int) -> Tally:
    """The tally of a photo whose annotations are known."""
    import numpy as np

    annotations, height, width = record.annotations, record.height, record.width
    found = painted_areas(annotations, height, width)
    if found is None:
        mask, instances = paint(annotations, height, width, ground)
        own, label_of = _own_areas(annotations, height, width)
        return _counted(label_counts(mask), own, _visible(instances, len(own)), label_of, annotations, classes)
    single = np.array([not one.iscrowd and one.label != IGNORE for one in annotations], bool)
    labels = np.array([one.label for one in annotations], np.int64)
    own, seen = ((areas * single).tolist() for areas in found)
    pixels = np.bincount(labels, found[1], IGNORE + 1).astype(np.int64)
    pixels[ground] += height * width - int(found[1].sum())
    return _counted(pixels, [0, *own], [0, *seen], [IGNORE, *labels.tolist()], annotations, classes)


def _tally(mask: NDArray[np.uint8], instances: NDArray[np.int32], classes: int) -> Tally:
    """The tally of a photo of which only the painted labels are known."""
    import numpy as np

    flat_mask, flat = mask.reshape(-1), instances.reshape(-1)
    visible = _visible(instances, int(flat.max(initial=0)) + 1)
    label_of = np.full(len(visible), IGNORE, np.int64)
    for start in range(0, len(flat), PIXELS_PER_BAND):
        piece = slice(start, start + PIXELS_PER_BAND)
        label_of[flat[piece]] = flat_mask[piece]
    return _counted(label_counts(mask), visible, visible, label_of, (), classes)


def _visible(instances: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """(count,) pixels of each instance."""
    import numpy as np

    visible, flat = np.zeros(count, np.int64), instances.reshape(-1)
    for start in range(0, len(flat), PIXELS_PER_BAND):
        visible += np.bincount(flat[start : start + PIXELS_PER_BAND], minlength=count)
    return visible


def _counted(
    pixels: NDArray[np.int64],
    own: Sequence[int] | NDArray[np.int64],
    visible: Sequence[int] | NDArray[np.int64],
    label_of: Sequence[int] | NDArray[np.int64],
    annotations: Sequence[Annotation],
    classes: int,
) -> Tally:
    """The tally of (256,) pixels of each label, and of own and visible pixels and label of each instance from 0."""
    import numpy as np

    objects, hidden = np.zeros(classes, np.int64), np.zeros(classes, np.int64)
    areas = []
    for number in range(1, len(own)):
        label = int(label_of[number])
        if own[number] and label < classes:
            objects[label] += 1
            hidden[label] += visible[number] == 0
            areas.append((label, int(own[number])))
    regions = [one.label for one in annotations if one.iscrowd and one.label < classes]
    crowds = np.bincount(regions, minlength=classes).astype(np.int64)
    return Tally(np.append(pixels[:classes], pixels[IGNORE]), objects, crowds, hidden, tuple(areas))


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
