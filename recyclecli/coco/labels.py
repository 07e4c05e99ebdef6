"""The label rule: 0 is background, then the categories by ascending id; `ignore` is no class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recyclecli.errors import RecycleError, listed
from recyclecli.types import IGNORE

BACKGROUND = "Background"
IGNORE_CATEGORY = "ignore"


@dataclass(frozen=True, slots=True)
class LabelIndex:
    """Category ids of one file to labels.

    Attributes:
        class_names: K names by label; the first is the background.
        label_of: category id to label; `IGNORE` for the reserved category `ignore`.
    """

    class_names: tuple[str, ...]
    label_of: Mapping[int, int]


def label_index(categories: Iterable[Mapping[str, Any]], file: Path) -> LabelIndex:
    """The labels of a COCO file's `categories`: 0 is background, the rest by ascending id.

    A category called `background` in any case is label 0 itself; one called `ignore` becomes
    `IGNORE`. Ids need be neither dense nor ordered, and may start at 0.

    Raises:
        RecycleError: doubled ids or names, no class left, or more than 255 labels.
    """
    ordered = sorted(categories, key=lambda category: category["id"])
    for key in ("id", "name"):
        values = [category[key] for category in ordered]
        doubled = {value for value in values if values.count(value) > 1}
        if doubled:
            raise RecycleError(f"{file}: category {key} {listed(sorted(doubled))} occurs twice", "make each unique")
    names = [BACKGROUND]
    label_of = {}
    for category in ordered:
        if category["name"] == IGNORE_CATEGORY:
            label_of[category["id"]] = IGNORE
        elif category["name"].lower() == BACKGROUND.lower():
            label_of[category["id"]] = 0
        else:
            label_of[category["id"]] = len(names)
            names.append(category["name"])
    if len(names) == 1:
        raise RecycleError(f"{file}: categories name no class", "list the materials under 'categories'")
    if len(names) > IGNORE:
        raise RecycleError(f"{file}: {len(names)} classes; masks of 8 bits hold at most {IGNORE}")
    return LabelIndex(tuple(names), label_of)
