"""Faults between the splits of a set: photos on both sides, pasted objects, absent classes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from recyclecli.coco.document import PROVENANCE
from recyclecli.data.check.catalogue import Finding
from recyclecli.errors import listed

SOURCE = "the whole set"


def split_of(contents: Mapping[str, dict[str, Any]], folds: Sequence[Collection[str]]) -> dict[str, str]:
    """file_name to the name of its split: the file that lists it, or its fold in a single file."""
    if len(contents) == 1 and folds:
        return {name: f"fold {number}" for number, names in enumerate(folds) for name in names}
    only = len(contents) == 1
    return {
        image["file_name"]: "" if only else split for split, content in contents.items() for image in content["images"]
    }


def lint_splits(
    contents: Mapping[str, dict[str, Any]], names: Mapping[str, str], folds: Sequence[Collection[str]]
) -> Iterator[Finding]:
    """Faults between splits by name alone; what the photos show is compared in `lint_photos`."""
    splits = split_of(contents, folds)
    seen: dict[str, str] = {}
    for split, content in contents.items():
        for image in content["images"]:
            before = seen.setdefault(os.path.normpath(image["file_name"]), split)
            if before != split:
                where = f"image {image['id']} {image['file_name']!r}"
                yield Finding("photo-in-two-splits", names[split], where, f"in {before} and in {split}")
    if len(set(splits.values())) < 2:
        return
    for split, content in contents.items():
        yield from _pasted(content, names[split], splits)
    yield from _absent(contents, names, splits)


def _pasted(content: dict[str, Any], file: str, splits: Mapping[str, str]) -> Iterator[Finding]:
    own = {image["id"]: image["file_name"] for image in content["images"]}
    for annotation in content["annotations"]:
        photo = own.get(annotation["image_id"])
        origins = annotation.get(PROVENANCE) or ()
        if photo is None or not isinstance(origins, list):
            continue
        sources = {str(origin.get("file_name")) for origin in origins if isinstance(origin, dict)}
        leaked = sorted(name for name in sources if name in splits and splits[name] != splits.get(photo))
        if leaked:
            where = f"annotation {annotation.get('id')} of {photo!r}"
            yield Finding("pasted-from-validation", file, where, f"taken from {listed(leaked)}, which is held out")


def _absent(
    contents: Mapping[str, dict[str, Any]], names: Mapping[str, str], splits: Mapping[str, str]
) -> Iterator[Finding]:
    objects: Counter[tuple[str, str]] = Counter()
    for content in contents.values():
        photos = {image["id"]: image["file_name"] for image in content["images"]}
        classes = {category["id"]: category["name"] for category in content["categories"]}
        for annotation in content["annotations"]:
            split = splits.get(photos.get(annotation["image_id"], ""))
            if split is not None and annotation["category_id"] in classes:
                objects[split, classes[annotation["category_id"]]] += 1
    everywhere = dict.fromkeys(name for _, name in objects)
    for split in dict.fromkeys(splits.values()):
        for name in everywhere:
            if not objects[split, name]:
                file = names.get(split, next(iter(names.values())))
                yield Finding("class-absent-from-split", file, f"class {name!r}", f"no object in {split}")
