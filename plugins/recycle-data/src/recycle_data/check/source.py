"""What is wrong with a source of another format than COCO."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from recycle_coco import IGNORE_CATEGORY, has_background

from recycle_data.check.catalogue import LabelFault
from recycle_data.check.photos import lint_copies
from recycle_data.check.shapes import PAINTED_KEY
from recycle_data.foreground import absent_classes, cause_of_nothing
from recycle_data.named_splits import named_splits
from recycle_data.sources import Subset, read_labels
from recyclecli.errors import RecycleError
from recyclecli.types import Source


def content_of(source: Source) -> dict[str, Any]:
    """What a source of another format knows without reading its photos, as COCO content for `check_contents`.

    Numbers of annotations that start again with each photo get its name.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    background = has_background(source.class_names)
    ids = {label: label if background else label + 1 for label in range(background, len(source.class_names))}
    categories = [{"id": ids[label], "name": source.class_names[label]} for label in ids]
    numbers = Counter(annotation.id for index in range(len(source)) for annotation in source.record(index).annotations)
    for index in range(len(source)):
        record = source.record(index)
        origins = {"provenance": [{"file_name": name} for name in record.made_from]} if record.made_from else {}
        size = {"width": record.width, "height": record.height}
        images.append({"id": index + 1, "file_name": record.file_name, **size, **origins})
        for annotation in record.annotations:
            stated = {} if annotation.area is None else {"area": annotation.area}
            annotations.append(
                {
                    "id": annotation.id if numbers[annotation.id] == 1 else f"{record.file_name}#{annotation.id}",
                    "image_id": index + 1,
                    "category_id": ids.get(annotation.label, len(ids) + 1),
                    "segmentation": annotation.segmentation,
                    "iscrowd": int(annotation.iscrowd),
                    "provenance": [{"file_name": name} for name in annotation.provenance],
                    **stated,
                }
            )
    if any(annotation["category_id"] not in ids.values() for annotation in annotations):
        categories.append({"id": len(ids) + 1, "name": IGNORE_CATEGORY})
    painted: list[str] = []
    if not annotations and cause_of_nothing(source) is None:
        absent = absent_classes(source)
        painted = [name for name in source.class_names if name not in absent]
    return {"images": images, "annotations": annotations, "categories": categories, PAINTED_KEY: painted}


def lint_source(
    make: Callable[[], Source], file: str, found: Sequence[LabelFault], labels_only: bool = False
) -> Iterator[LabelFault]:
    """What training would refuse of a source whose labels are known from its pixels alone, and photos that repeat.

    Args:
        make: opens it.
        file: what to call it.
        found: findings so far; where errors are among them, what cannot be opened is no news.
        labels_only: leave the photos unread.
    """
    erroneous = any(finding.fault.severity == "error" for finding in found)
    try:
        source = make()
        splits = named_splits(source).photos()
        parts = {split: Subset(source, photos) for split, photos in splits.items() if split != "test"}
        causes = {where: cause_of_nothing(part) for where, part in {"the set": source, **parts}.items()}
    except RecycleError as error:
        if not erroneous:
            yield LabelFault("unusable-set", file, "the set", f"{error.args[0]}; {error.remedy}")
        return
    for first, second in combinations(splits, 2):
        for index in sorted({*splits[first]} & {*splits[second]}):
            where = repr(source.record(index).file_name)
            yield LabelFault("photo-in-two-splits", file, where, f"in {first} and in {second}")
    if nothing := [(where, cause) for where, cause in causes.items() if cause is not None]:
        where, cause = nothing[0]
        yield LabelFault("only-background", file, where, "; ".join(cause))
        return
    try:
        yield from _absent(source, parts, file, found)
    except RecycleError as error:  # reading all masks, where `cause_of_nothing` had enough of some
        if not erroneous:
            yield LabelFault("unusable-set", file, "the set", f"{error.args[0]}; {error.remedy}")
    if not labels_only:
        files = {record.file_name: record.file for record in map(source.record, range(len(source)))}
        sides = {source.record(index).file_name: split for split, photos in splits.items() for index in photos}
        places = {name: index for index, name in enumerate(files)}
        there = {name: one for name, one in files.items() if one.is_file()}
        yield from lint_copies(there, sides, lambda name: read_labels(source, places[name])[0])


def _absent(
    source: Source, parts: Mapping[str, Source], file: str, found: Sequence[LabelFault]
) -> Iterator[LabelFault]:
    """Classes that no photo of a source shows, and those that one of its parts lacks."""
    absent = absent_classes(source)
    known = {finding.where for finding in found if finding.code == "unused-category"}
    for where in (f"class {name!r}" for name in absent):
        if where not in known:
            yield LabelFault("unused-category", file, where, "no photo shows it")
    for split, part in parts.items():
        for name in absent_classes(part):
            if name not in absent:
                yield LabelFault("class-absent-from-split", file, f"class {name!r}", f"no object in {split}")
