"""Which classes have a pixel: what is trained on nothing seems to score 1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from recycle_coco import has_background, is_background, label_counts
from recycle_coco.empty_shapes import REMEDIES, outline_fault, told

from recycle_data.progress import track
from recycle_data.sources import read_labels
from recyclecli.errors import RecycleError, join_limited
from recyclecli.types import IGNORE, Source

Cause = tuple[str, str]  # what the data shows, and a remedy


def refuse_nothing(source: Source, what: str, validation: bool = False, option: str = "data.dataset.values") -> None:
    """Refuse photos in which no class but the background has a pixel.

    Photos are read until one shows a class, so that sound ones cost a single mask.

    Args:
        source: the photos.
        what: they are, for the message: `training photo`, `photo of DIR` ...
        validation: a single class is enough, where others need a second one if there is no background.
        option: what names the values of masks, in the remedy.

    Raises:
        RecycleError: none has, with the cause as the annotations or masks show it.
    """
    cause = cause_of_nothing(source, validation, option)
    if cause is not None:
        seen, remedy = cause
        missing = "a class but the background" if has_background(source.class_names) else "classes to tell apart"
        raise RecycleError(f"no {what} shows {missing}: {seen}", remedy)


def cause_of_nothing(source: Source, validation: bool = False, option: str = "data.dataset.values") -> Cause | None:
    """Why no class but the background has a pixel; None where one has. See `refuse_nothing`."""
    import numpy as np

    names = source.class_names
    ground = {label for label, name in enumerate(names) if is_background(name)} | {IGNORE}
    faults: Counter[str] = Counter()
    total, least = 0, 1 if validation or has_background(names) else 2
    seen: set[int] = set()
    for index in track(range(len(source)), len(source), "looking for labels"):
        record = source.record(index)
        total += len(record.annotations)
        causes = [
            outline_fault(one.segmentation, record.height, record.width, one.boxed)
            for one in record.annotations
            if one.label not in ground
        ]
        faults.update(filter(None, causes))
        if record.annotations and all(causes):
            seen |= {0} if has_background(names) else {IGNORE}
            continue
        mask, _ = read_labels(source, index)
        seen |= set(np.flatnonzero(label_counts(mask)).tolist())
        labels = seen - {IGNORE}
        if labels - ground and len(labels) >= least:
            return None
    if faults:
        return told(faults, total), REMEDIES[faults.most_common(1)[0][0]]
    return _painted(names, seen, len(source), option)


def absent_classes(source: Source) -> list[str]:
    """Classes that no photo of `source` shows, the background excepted.

    Where there are annotations these count; else masks are read until every class was seen.
    """
    import numpy as np

    names, photos = source.class_names, range(len(source))
    wanted = {label for label, name in enumerate(names) if not is_background(name)}
    missing = wanted - {one.label for index in photos for one in source.record(index).annotations}
    if missing == wanted:
        for index in track(photos, len(source), "looking for classes"):
            if not missing:
                break
            missing -= set(np.flatnonzero(label_counts(read_labels(source, index)[0])).tolist())
    return [names[label] for label in sorted(missing)]


def _painted(names: Sequence[str], seen: Collection[int], photos: int, option: str) -> Cause:
    """What photos show whose labels hold no class to tell from others."""
    labels = [names[label] for label in sorted(seen) if label != IGNORE]
    of = f"all {photos:,} photos hold" if photos > 1 else "the only photo holds"
    if not labels:
        return f"every pixel of {of.rpartition(' ')[0]} is ignored ({IGNORE})", "label these photos, or choose others"
    if IGNORE in seen:
        named = ", ".join(f"{label}: {names[label]}" for label in sorted(seen) if label != IGNORE)
        return (
            f"{of} {join_limited(labels)} and ignored pixels ({IGNORE}) alone",
            f"where {IGNORE} is a class of the masks, name it: -o '{option}={{{named}, {IGNORE}: object}}'",
        )
    return f"{of} {join_limited(labels)} alone", "label objects in them, or name the file that has their labels"
