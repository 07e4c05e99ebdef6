"""The COCO files of an export, each with its own form mended as far as one reading is right."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recycle_coco import strict

from recycle_datasets.coco_spellings import spell
from recycle_datasets.labels import UNNAMED_CLASS, json_of
from recycle_datasets.recognise.coco import is_single
from recycle_datasets.recognise.places import split_of
from recyclecli.types import RecycleError

log = logging.getLogger("recycle.datasets")


@dataclass(slots=True)
class CocoFile:
    """One file."""

    file: Path
    split: str
    images: list[dict[str, Any]]
    annotations: list[dict[str, Any]]
    categories: list[dict[str, Any]]
    faults: list[tuple[str, str]] = field(default_factory=list)


def parts_of(root: Path, name: str, left_out: Counter[str]) -> Iterator[CocoFile]:
    """The files that a name means, each with its own form mended as far as one reading is right."""
    file = root / name
    if not file.is_dir():
        yield _part(file, _content(file), split_of(name), left_out)
        return
    images: list[Any] = []
    annotations: list[Any] = []
    for one in sorted(file.glob("*.json")):
        content = _content(one)
        if is_single(content):
            images.append({**content["image"], "id": len(images)})
            annotations += [{**shape, "image_id": len(images) - 1} for shape in content["annotations"]]
    yield _part(file, {"images": images, "annotations": annotations}, split_of(f"{name}/x"), left_out)


def _content(file: Path) -> Any:
    return json_of(file, "export or download it again")


def _part(file: Path, raw: Any, split: str, left_out: Counter[str]) -> CocoFile:
    lists = [raw.get(key) or [] for key in ("images", "annotations", "categories")] if isinstance(raw, dict) else []
    if lists and isinstance(lists[2], dict):
        lists[2] = [{"id": key, "name": name} for key, name in lists[2].items()]
    if not lists or not lists[0] or not all(isinstance(one, list) for one in lists):
        held = ", ".join(map(str, raw)) if isinstance(raw, dict) else f"a {type(raw).__name__}"
        raise RecycleError(
            f"{file} is not a COCO file with lists of images, annotations and categories: it holds {held[:200]}",
            "export the labels as COCO (instances)",
        )
    for key, entries in zip(("images", "annotations", "categories"), lists, strict=True):
        wrong = next((number for number, entry in enumerate(entries) if not isinstance(entry, dict)), None)
        if wrong is not None:
            raise RecycleError(f"{file}: {key}[{wrong}] is no object", "correct or remove this entry")
    content = {"images": lists[0], "annotations": lists[1], "categories": list(_categories(*lists[1:]))}
    spell(content, left_out)
    mended = strict(content)[0]
    for key, of, types in (("images", "id", int | str), ("categories", "id", int), ("annotations", "category_id", int)):
        for number, entry in enumerate(mended[key]):
            value = entry.get(of)
            if not isinstance(value, types) and not (value is None and key == "annotations"):
                raise RecycleError(f"{file}: {key}[{number}].{of} is {value!r:.40}", "correct it")
    return CocoFile(file, split, mended["images"], mended["annotations"], mended["categories"])


def _categories(annotations: list[dict[str, Any]], categories: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The categories with numbers and names; those that annotations refer to where there are none."""
    if not categories:
        numbers = sorted({str(one.get("category_id")) for one in annotations if one.get("category_id") is not None})
        categories = [{"id": number, "name": f"class-{number}" if numbers[1:] else UNNAMED_CLASS} for number in numbers]
        unnamed = len(numbers) or 1
        for one in annotations:
            if one.get("category_id") is None:
                one["category_id"] = UNNAMED_CLASS if numbers else 1
        if not numbers or any(one["category_id"] == UNNAMED_CLASS for one in annotations):
            categories.append({"id": UNNAMED_CLASS if numbers else 1, "name": UNNAMED_CLASS})
        log.warning(f"note: no class has a name: {unnamed} of them are called by number, or {UNNAMED_CLASS!r}")
    texts = [one for one in categories if isinstance(one.get("id"), str) and not _whole(one["id"])]
    if texts:  # made-up keys: the order of the list is all that there is
        numbers_of = {str(one.get("id")): number for number, one in enumerate(categories, start=1)}
        for one in annotations:
            one["category_id"] = numbers_of.get(str(one.get("category_id")), one.get("category_id"))
        categories = [{**one, "id": numbers_of[str(one.get("id"))]} for one in categories]
    for number, one in enumerate(categories):
        name = one.get("name")
        yield {**one, "name": str(name).strip() if name not in (None, "") else f"class-{one.get('id', number)}"}


def _whole(text: str) -> bool:
    return text.strip().lstrip("-").isascii() and text.strip().lstrip("-").isdigit()
