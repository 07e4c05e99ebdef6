"""A linter for labels and photos: `check_coco` for COCO files; `check.masks` and `check.source` are for others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from recycle_coco.document import load_content
from recycle_coco.lenient import strict
from recycle_coco.misplaced import misplaced

from recycle_data.check.catalogue import CATALOGUE, FaultKind, LabelFault
from recycle_data.check.fix import mended
from recycle_data.check.lists import lint_lists, located
from recycle_data.check.shapes import MIN_OBJECT_PIXELS, lint_shapes
from recycle_data.check.splits import lint_splits, split_of
from recycle_data.duplicate_objects import content_shapes, doubled
from recycle_data.label_suspicions import content_labels, repeated
from recyclecli.errors import counted

__all__ = [
    "CATALOGUE",
    "FaultKind",
    "LabelFault",
    "check_coco",
    "check_contents",
    "mended",
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
        from recycle_data.check.photos import lint_photos

        findings += lint_photos(root, contents, split_of(contents, folds))
    return findings
