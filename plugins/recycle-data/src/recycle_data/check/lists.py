"""Faults of a COCO file's lists: ids, names, references."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

from recycle_coco.crowds import crowd_counts
from recycle_coco.document import extra_fault, field_fault, provenance_fault, size_fault, usable_id
from recycle_coco.labels import IGNORE_CATEGORY, NO_BACKGROUND, is_background, may_mean_ignored, project_categories
from recycle_coco.lookup import locate
from recycle_coco.paths import resolve_file

from recycle_data.box_outlines import box_share
from recycle_data.check.catalogue import LabelFault
from recycle_data.check.shapes import PAINTED_KEY
from recyclecli.errors import RecycleError, counted, join_limited
from recyclecli.printable import short_repr
from recyclecli.types import IGNORE

MIN_OUTLINES = 20  # of which a share is told: few may all be of things that are rectangles
LATIN_LOOK_ALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0445\u0443\u0456\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425",
    "aeopcxyiABEKMHOPCTX",
)  # Cyrillic letters, and what they pass for
IGNORED_FLAGS = ("ignore", "deleted", "difficult", "invalid", "outside", "hidden", "skipped")  # that other tools heed


def lint_lists(root: Path, content: dict[str, Any], file: str) -> Iterator[LabelFault]:
    """Faults of `images`, `categories` and the references to them."""
    yield from _images(root, content["images"], file)
    yield from _categories(content["categories"], file)
    yield from _annotations(content, file)


def located(root: Path, content: dict[str, Any], file: str) -> tuple[dict[str, Any], list[LabelFault]]:
    """The content with the names that its photos have, and those that another photo was found for, or several."""
    places = locate(root, [image["file_name"] for image in content["images"]])
    if not places.found and not places.doubtful:
        return content, []
    findings = []
    for image in content["images"]:
        name, where = image["file_name"], f"image {image['id']} {image['file_name']!r}"
        if name in places.found:
            findings.append(LabelFault("photo-found-by-name", file, where, f"it is {places.found[name]}"))
        elif name in places.doubtful:
            detail = f"photos of that name: {join_limited(places.doubtful[name])}"
            findings.append(LabelFault("ambiguous-photo", file, where, detail))
    return {**content, "images": places.rename(content["images"])}, findings


def _images(root: Path, images: list[dict[str, Any]], file: str) -> Iterator[LabelFault]:
    ids: set[Any] = set()
    names: set[str] = set()
    for image in images:
        where = f"image {image['id']} {image['file_name']!r}"
        if image["id"] in ids:
            yield LabelFault("duplicate-image-id", file, where, f"id {image['id']!r} was used before")
        name = os.path.normpath(image["file_name"])
        if name in names:
            yield LabelFault("duplicate-file-name", file, where, "named before")
        ids.add(image["id"])
        names.add(name)
        for fault in (size_fault(image), provenance_fault(image) or extra_fault(image)):
            if fault:
                yield LabelFault(fault[0], file, where, fault[1])
        try:
            resolve_file(root, image["file_name"])
        except RecycleError as error:
            yield LabelFault("file-outside-root", file, where, str(error.args[0]))


def _categories(categories: list[dict[str, Any]], file: str) -> Iterator[LabelFault]:
    for key in ("id", "name"):
        seen: set[Any] = set()
        for category in categories:
            if category[key] in seen:
                where = f"category {category['id']} {category['name']!r}"
                yield LabelFault(f"duplicate-category-{key}", file, where, f"{key} {category[key]!r} was used before")
            seen.add(category[key])
    for category in categories:
        if category["name"].strip() != category["name"] or not category["name"] or "\n" in category["name"]:
            where = f"category {category['id']} {category['name']!r}"
            yield LabelFault(
                "untidy-category-name", file, where, "convert refuses it, and other files spell it otherwise"
            )
    spelled: dict[str, str] = {}
    for name in dict.fromkeys(category["name"] for category in categories):
        before = spelled.setdefault(_as_read(name), name)
        if before != name:
            yield LabelFault(
                "similar-category-name", file, f"category {name!r}", f"there is a category {before!r}, too"
            )
    classes = class_count(categories)
    if classes > IGNORE:
        yield LabelFault("too-many-classes", file, "categories", f"{classes} classes")
    ids = sorted({category["id"] for category in categories})
    if ids and ids[0] != 1 and not (ids[0] == 0 and _is_label_0(categories)):
        yield LabelFault("shifted-category-ids", file, "categories", f"the first id is {ids[0]}")
    gaps = [identity for identity, after in pairwise(ids) if after != identity + 1]
    if gaps:
        yield LabelFault("sparse-category-ids", file, "categories", f"gaps after id {join_limited(gaps)}")


def _as_read(name: str) -> str:
    """A name without what readers do not see, such as its case, and as it was before a wrong encoding was assumed."""
    with suppress(UnicodeError):  # it was written as UTF-8 and read as Windows-1252
        name = name.encode("cp1252").decode("utf-8")
    shown = [letter for letter in unicodedata.normalize("NFKC", name) if unicodedata.category(letter) != "Cf"]
    return re.sub(r"[\s_-]+", "", "".join(shown).translate(LATIN_LOOK_ALIKES)).casefold()


def class_count(categories: list[dict[str, Any]]) -> int:
    """How many labels categories make, the background among them."""
    names = [category["name"] for category in categories if category["name"] != IGNORE_CATEGORY]
    bare = any(category.get(NO_BACKGROUND) is True for category in categories)
    return len(names) if bare or any(map(is_background, names)) else len(names) + 1


def _is_label_0(categories: list[dict[str, Any]]) -> bool:
    """Whether the category of id 0 is label 0 itself."""
    return any(
        category["id"] == 0 and (is_background(category["name"]) or category.get(NO_BACKGROUND) is True)
        for category in categories
    )


def _is_ground(name: str) -> bool:
    return is_background(name) or name == IGNORE_CATEGORY


def _annotations(content: dict[str, Any], file: str) -> Iterator[LabelFault]:
    images = {image["id"] for image in content["images"]}
    categories = {category["id"] for category in content["categories"]}
    ids: set[Any] = set()
    for annotation in content["annotations"]:
        identity = annotation.get("id") if usable_id(annotation.get("id")) else None
        where = f"annotation {short_repr(annotation.get('id'))}"
        if identity is not None and identity in ids:
            yield LabelFault("duplicate-annotation-id", file, where, f"id {identity!r} was used before")
        ids.add(identity)
        if annotation["image_id"] not in images:
            yield LabelFault("unknown-image", file, where, f"no image has id {annotation['image_id']!r}")
        if annotation["category_id"] not in categories:
            yield LabelFault("unknown-category", file, where, f"no category has id {annotation['category_id']!r}")
        fault = field_fault(annotation)
        if fault:
            yield LabelFault(fault[0], file, where, fault[1])
    flags = Counter(flag for one in content["annotations"] for flag in IGNORED_FLAGS if one.get(flag) in (1, True))
    for flag, count in flags.items():
        yield LabelFault("unread-flag", file, "annotations", f"{counted(count, 'annotation')} with {flag!r}")
    if scored := sum("score" in one for one in content["annotations"]):
        yield LabelFault("scored-label", file, "annotations", f"{counted(scored, 'annotation')} with a score")
    outlines = [one.get("segmentation") for one in content["annotations"]]
    if len(outlines) >= MIN_OUTLINES and (boxes := box_share(outlines)):
        yield LabelFault("box-outlines", file, "annotations", boxes)
    crowds, total = crowd_counts(content)
    if crowds and crowds < total:
        yield LabelFault("crowds", file, "annotations", f"{crowds} of {total}: iscrowd is 1")
    elif crowds:
        yield LabelFault(
            "crowds", file, "annotations", f"all {total}: they are taken for objects, as there is no other kind"
        )
    labelled = {annotation["image_id"] for annotation in content["annotations"]}
    painted = content.get(PAINTED_KEY, ())
    for image in content["images"]:
        if image["id"] not in labelled and not painted:
            yield LabelFault("unlabelled-image", file, f"image {image['id']} {image['file_name']!r}", "no annotation")
    used = {annotation["category_id"] for annotation in content["annotations"]}
    groups = {category["id"] for category in project_categories(content)}
    for category in content["categories"]:
        if category["id"] in groups:
            where = f"category {category['id']} {category['name']!r}"
            yield LabelFault("project-category", file, where, "no annotation, and it names the project or a group")
            continue
        if category["id"] not in used and category["name"] not in painted and not _is_ground(category["name"]):
            where = f"category {category['id']} {category['name']!r}"
            yield LabelFault("unused-category", file, where, "no photo shows it" if painted else "no annotation")
        elif may_mean_ignored(category["name"]):
            where = f"category {category['id']} {category['name']!r}"
            yield LabelFault("void-category", file, where, "it is a class like any other: only `ignore` counts nowhere")
