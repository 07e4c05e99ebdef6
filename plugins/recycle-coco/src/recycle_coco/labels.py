"""The label rule: 0 is background where there is one, then the categories by ascending id; `ignore` is no class."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from recyclecli.errors import RecycleError, join_limited
from recyclecli.types import IGNORE

BACKGROUND = "Background"
IGNORE_CATEGORY = "ignore"
VOID = ("void", "unlabeled", "unlabelled", "unlabel", "ignore", "ignored", "ignoreregion", "dontcare")
NUMBERED_NAME = re.compile(r"(\d+)\s*[:=,;\t ]\s*(\S.*)")
NO_BACKGROUND = "no_background"  # true in the first category of a file in which each pixel is of a category, or ignored


def numbered_names(lines: Sequence[str]) -> dict[int, str]:
    """Number to name of a list of classes whose lines all state their number, from 0 or 1 on: `0 paper`, `1: metal`.

    0 is the background where they begin with 1 and none is. Empty where the lines are names alone.
    """
    found = [NUMBERED_NAME.fullmatch(line) for line in lines]
    names = {int(one[1]): one[2].strip() for one in found if one}
    if (
        len(lines) < 2
        or len(names) < len(lines)
        or list(names)
        not in (
            list(range(len(lines))),
            list(range(1, len(lines) + 1)),
        )
    ):
        return {}
    return names if 0 in names or any(map(is_background, names.values())) else {0: BACKGROUND, **names}


@dataclass(frozen=True, slots=True)
class LabelIndex:
    """Category ids of one file to labels.

    Attributes:
        class_names: K names by label; the first is the background, but for a file that says that it has none.
        label_of: category id to label; `IGNORE` for the reserved category `ignore`.
    """

    class_names: tuple[str, ...]
    label_of: Mapping[int, int]


def label_index(categories: Iterable[Mapping[str, Any]], file: Path) -> LabelIndex:
    """The labels of a COCO file's `categories`: 0 is background, the rest by ascending id.

    Where a category says `"no_background": true`, as those do that are written of photos without a
    background, the first category is label 0. Otherwise a category that `is_background` is label 0
    itself. One called `ignore` becomes `IGNORE`. Ids need be neither dense nor ordered, and may
    start at 0.

    Raises:
        RecycleError: doubled ids or names, no class left, or more than 255 labels.
    """
    ordered = sorted(categories, key=lambda category: category["id"])
    for key in ("id", "name"):
        counts = Counter(category[key] for category in ordered)
        doubled = sorted(value for value, count in counts.items() if count > 1)
        if doubled:
            raise RecycleError(f"{file}: category {key} {join_limited(doubled)} occurs twice", "make each unique")
    names = [] if any(category.get(NO_BACKGROUND) is True for category in ordered) else [BACKGROUND]
    ground = len(names)
    label_of = {}
    for category in ordered:
        if category["name"] == IGNORE_CATEGORY:
            label_of[category["id"]] = IGNORE
        elif ground and is_background(category["name"]):
            label_of[category["id"]] = 0
        else:
            label_of[category["id"]] = len(names)
            names.append(category["name"])
    if len(names) == ground:
        raise RecycleError(f"{file}: categories name no class", "list the materials under 'categories'")
    if len(names) > IGNORE:
        raise RecycleError(
            f"{file}: {len(names)} classes; masks of 8 bits hold at most {IGNORE}, the background among them",
            "merge categories; those that no object is of are dropped by "
            f"recycle data check --labels-only --data {quote(str(file.parent))} --json-path {quote(str(file))} "
            "--fix FEWER.json",
        )
    return LabelIndex(tuple(names), label_of)


def project_categories(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Categories of a COCO content that name its project or a group of classes, as tools write them, and no class.

    No annotation uses them, and they are the supercategory of others or stand in `info`.
    """
    used = {annotation["category_id"] for annotation in content["annotations"]}
    info = content.get("info")
    texts = [text for text in info.values() if isinstance(text, str)] if isinstance(info, Mapping) else []
    words = {part.casefold() for text in texts for part in (text, *text.split("/"))}
    above = [category.get("supercategory") for category in content["categories"]]
    members = Counter(name for name in above if isinstance(name, str))
    return [
        category
        for category, own in zip(content["categories"], above, strict=True)
        if category["id"] not in used
        and not is_background(category["name"])
        and category["name"] != IGNORE_CATEGORY
        and (category["name"].casefold() in words or members[category["name"]] > (own == category["name"]))
    ]


def has_background(class_names: Sequence[str]) -> bool:
    """Whether label 0 means what is no object."""
    return is_background(class_names[0])


def is_background(name: str) -> bool:
    """Whether a class name is a usual spelling of the background: `Background`, `_background_`, `BG` ..."""
    return name.strip().strip("_").casefold() in ("background", "bg")


def may_mean_ignored(name: str) -> bool:
    """Whether a class is called as pixels of no class are, `void`, `Background (none)`, but is none of them to us."""
    plain = re.sub(r"\(.*|[\s_'-]+", "", name).casefold()
    return name != IGNORE_CATEGORY and not is_background(name) and (plain in VOID or is_background(plain))
