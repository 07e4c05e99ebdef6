"""A linter for labels and photos: `check_coco` for COCO files, `check_masks` for folders of masks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from recycle_coco import IGNORE_CATEGORY, has_background
from recycle_coco.document import load_content
from recycle_coco.lenient import strict
from recycle_coco.misplaced import misplaced

from recycle_data.check.catalogue import CATALOGUE, FaultKind, LabelFault
from recycle_data.check.fix import mended
from recycle_data.check.lists import lint_lists, located
from recycle_data.check.masks import check_masks
from recycle_data.check.photos import lint_copies, lint_photos, without_unreadable
from recycle_data.check.shapes import MIN_OBJECT_PIXELS, PAINTED_KEY, lint_shapes
from recycle_data.check.splits import lint_splits, split_of
from recycle_data.duplicate_objects import content_shapes, doubled
from recycle_data.foreground import absent_classes, cause_of_nothing
from recycle_data.label_suspicions import content_labels, repeated
from recycle_data.named_splits import named_splits
from recycle_data.sources import Subset
from recyclecli.errors import RecycleError, counted
from recyclecli.types import Source

__all__ = [
    "CATALOGUE",
    "FaultKind",
    "LabelFault",
    "check_coco",
    "check_contents",
    "check_masks",
    "content_of",
    "lint_source",
    "mended",
    "without_unreadable",
]


def check_coco(
    root: Path,
    files: Mapping[str, Path],
    folds: Sequence[Collection[str]] = (),
    labels_only: bool = False,
    min_object_pixels: int = MIN_OBJECT_PIXELS,
) -> list[LabelFault]:
    """All that is wrong with a COCO set.

    Args:
        root: the folder that file names are relative to.
        files: split name to COCO file; one entry for a set that is not split by files.
        folds: the validation photos' file names of each fold.
        labels_only: leave the photos unread.
        min_object_pixels: objects of fewer pixels are reported.

    Raises:
        RecycleError: a file is missing, or no COCO file at all.
    """
    contents = {name: load_content(file, as_is=True) for name, file in files.items()}
    return check_contents(
        root, contents, {name: str(file) for name, file in files.items()}, folds, labels_only, min_object_pixels
    )


def check_contents(
    root: Path,
    contents: Mapping[str, dict[str, Any]],
    names: Mapping[str, str],
    folds: Sequence[Collection[str]] = (),
    labels_only: bool = False,
    min_object_pixels: int = MIN_OBJECT_PIXELS,
) -> list[LabelFault]:
    """`check_coco` of COCO contents at hand; `names` says what to call the file of each."""
    findings: list[LabelFault] = []
    plain = {split: strict(content) for split, content in contents.items()}
    contents = {split: content for split, (content, _) in plain.items()}
    for split, content in contents.items():
        contents[split], moved = located(root, content, names[split])
        findings += moved
    for split, content in contents.items():
        findings += [LabelFault(code, names[split], where, detail) for code, where, detail in plain[split][1]]
        findings += lint_lists(root, content, names[split])
        findings += lint_shapes(content, names[split], min_object_pixels)
        if same := repeated(content_labels(content)):
            findings.append(LabelFault("repeated-labels", names[split], "annotations", counted(same, "photo")))
        if near := doubled(content_shapes(content)):
            findings.append(LabelFault("doubled-objects", names[split], "annotations", near))
        if wrong := misplaced(content):
            findings.append(LabelFault("misplaced-outlines", names[split], "annotations", wrong))
    findings += lint_splits(contents, names, folds)
    if not labels_only:
        findings += lint_photos(root, contents, split_of(contents, folds))
    return findings


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
        yield from lint_copies({name: one for name, one in files.items() if one.is_file()}, sides)


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
