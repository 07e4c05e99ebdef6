"""Faults of labels that a training takes as they are: what a look at few photos tells of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from recycle_coco import IGNORE_CATEGORY
from recycle_coco.labels import may_mean_ignored

from recycle_data.duplicate_objects import doubled
from recyclecli.errors import RecycleError, counted
from recyclecli.types import IGNORE, Annotation, Record, Source

MAX_BOX_NUMBERS, FILLED_PHOTO_SHARE = 10, 0.99  # numbers of a rectangle that is closed at most; of a photo
SUSPECTED_PHOTOS = 8  # photos, and masks without annotations, that are looked at
MIN_FILLING_OBJECTS, FILLING_SHARE = 2, 0.1  # objects that fill their photo: so many, and such a share, are no chance
MIN_SAME_LABELS = 8  # photos of the same labels that are no chance


def suspicions(source: Source, ignores: bool = False) -> Iterator[str]:
    """What `recycle data check` would say of a source, as far as the annotations and few of the files tell.

    Args:
        source: the photos.
        ignores: the recipe ignores some of the classes.
    """
    from recycle_coco.photo import read_head

    from recycle_data.poor_photos import poor_photos

    records = [source.record(index) for index in range(len(source))]
    annotations = [one for record in records for one in record.annotations]
    ignored = [one for one in annotations if one.label == IGNORE and not one.iscrowd]
    if ignored and not ignores:
        yield f"{counted(len(ignored), 'object')} of a class {IGNORE_CATEGORY!r}, which is learned as no class"
    if void := [name for name in source.class_names if may_mean_ignored(name)]:
        yield f"a class {void[0]!r}, which is learned as a class: only {IGNORE_CATEGORY!r} counts nowhere"
    twice = sum(_contradictions(record.annotations) for record in records)
    if twice:
        yield f"{counted(twice, 'outline')} drawn twice, as two classes"
    if near := doubled([one.segmentation for one in record.annotations] for record in records):
        yield near
    filling = sum(_fills(one, record) for record in records for one in record.annotations)
    if filling > max(MIN_FILLING_OBJECTS, FILLING_SHARE * len(annotations)):
        yield f"{counted(filling, 'object')} of the size of the whole photo"
    if same := repeated(_masks(source)):
        yield f"{counted(same, 'photo')}, all with the same labels"
    if not annotations:
        yield from _damaged(source)
    yield from poor_photos(record.file for record in records[:SUSPECTED_PHOTOS])
    turned = [record for record in records[:SUSPECTED_PHOTOS] if record.file.is_file()]
    unclear = 0
    for record in turned:
        with suppress(RecycleError):  # reading it says why
            head = read_head(record.file)
            unclear += head.orientation > 1 and (head.orientation < 5 or head.size[0] == head.size[1])
    if unclear:
        yield f"{counted(unclear, 'photo')} with an EXIF rotation that the labels may be drawn without"


def bare(source: Source) -> int:
    """Photos without an object, where others have one."""
    objects = [len(source.record(index).annotations) for index in range(len(source))]
    return objects.count(0) if any(objects) else 0


def repeated(labels: Iterable[Hashable | None]) -> int:
    """How many photos have all the same labels; 0 where two differ, or where they are few.

    Args:
        labels: of each photo, read until two differ; None where a photo shows one class alone.
    """
    count, first = 0, None
    for one in labels:
        first = first if count else one
        if one is None or one != first:
            return 0
        count += 1
    return count if count >= MIN_SAME_LABELS else 0


def content_labels(content: Mapping[str, Any]) -> Iterator[Hashable | None]:
    """The labels of each image of a COCO content, for `repeated`."""
    shapes = defaultdict(list)
    for one in content["annotations"]:
        shapes[one.get("image_id")].append((one.get("category_id"), repr(one.get("segmentation"))))
    for image in content["images"]:
        yield repr(sorted(shapes[image["id"]], key=repr)) if image["id"] in shapes else None


def _masks(source: Source) -> Iterator[Hashable | None]:
    """The labels of each photo of a source, for `repeated`."""
    from recycle_data.sources import read_labels

    for index in range(len(source)):
        mask, _ = read_labels(source, index)
        yield (mask.shape, mask.tobytes()) if mask.min() < mask.max() else None


def _contradictions(annotations: Sequence[Annotation]) -> int:
    """Outlines of one photo that several objects of different classes have."""
    labels: dict[Hashable, set[int]] = defaultdict(set)
    for one in annotations:
        labels[_outline(one)].add(one.label)
    return sum(len(found) > 1 for found in labels.values())


def _outline(annotation: Annotation) -> Hashable:
    shape = annotation.segmentation
    return str(shape["counts"]) if isinstance(shape, Mapping) else tuple(map(tuple, shape))


def _fills(annotation: Annotation, record: Record) -> bool:
    """Whether an outline is a rectangle as large as its photo."""
    shape = annotation.segmentation
    if annotation.label == IGNORE or isinstance(shape, Mapping) or len(shape) != 1 or len(shape[0]) > MAX_BOX_NUMBERS:
        return False
    across, down = shape[0][::2], shape[0][1::2]
    area = (max(across) - min(across)) * (max(down) - min(down)) if across and down else 0
    return area >= FILLED_PHOTO_SHARE * record.width * record.height


def _damaged(source: Source) -> Iterator[str]:
    """What is wrong with the first masks."""
    from recycle_data.check.masks import BLENDED, SPECKLED, blended, speckles
    from recycle_data.sources import read_labels

    masks = [read_labels(source, index)[0] for index in range(min(SUSPECTED_PHOTOS, len(source)))]
    if smoothed := sum(blended(mask) > BLENDED for mask in masks):
        yield f"{counted(smoothed, 'mask')} with in-between values along edges, as if resized smoothly"
    if speckled := sum(speckles(mask) > SPECKLED for mask in masks):
        yield f"{counted(speckled, 'mask')} with single pixels of other classes all over"
