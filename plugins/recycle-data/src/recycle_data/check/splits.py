"""Faults between the splits of a set: photos on both sides, pasted objects, absent classes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from recycle_coco.document import PROVENANCE
from recycle_coco.labels import is_background

from recycle_data.check.catalogue import LabelFault
from recycle_data.check.shapes import PAINTED_KEY
from recyclecli.errors import join_limited
from recyclecli.printable import short_repr

WHOLE_SET = "the whole set"


def split_of(contents: Mapping[str, dict[str, Any]], folds: Sequence[Collection[str]]) -> dict[str, str]:
    """file_name to the name of its split: the file that lists it, or its fold in a single file.

    A photo that was made from another one is in that one's fold; of made photos alone nothing is known.
    """
    if len(contents) == 1 and folds:
        (content,) = contents.values()
        fold_of = {name: f"fold {number}" for number, names in enumerate(folds) for name in names}
        origins = {image["file_name"]: [image["file_name"], *_origins(image)] for image in content["images"]}
        found = {name: [fold_of[one] for one in names if one in fold_of] for name, names in origins.items()}
        known = any(name in fold_of for name in origins)
        return {name: places[0] for name, places in found.items() if places and known}
    only = len(contents) == 1
    return {
        image["file_name"]: "" if only else split for split, content in contents.items() for image in content["images"]
    }


def lint_splits(
    contents: Mapping[str, dict[str, Any]], names: Mapping[str, str], folds: Sequence[Collection[str]]
) -> Iterator[LabelFault]:
    """Faults between splits by name alone; what the photos show is compared in `lint_photos`."""
    splits = split_of(contents, folds)
    seen: dict[str, str] = {}
    for split, content in contents.items():
        for image in content["images"]:
            before = seen.setdefault(os.path.normpath(image["file_name"]), split)
            if before != split:
                where = f"image {image['id']} {image['file_name']!r}"
                yield LabelFault("photo-in-two-splits", names[split], where, f"in {before} and in {split}")
    held_out = {name for fold in folds for name in fold if name not in splits} if splits else set()
    if len(set(splits.values())) < 2 and not held_out:
        return
    for split, content in contents.items():
        yield from _pasted(content, names[split], splits, held_out)
    yield from _absent(contents, names, splits)


def _pasted(
    content: dict[str, Any], file: str, splits: Mapping[str, str], held_out: Collection[str]
) -> Iterator[LabelFault]:
    """Photos and objects that come from another split; of made photos in a set with folds, from what it leaves out."""
    own = {image["id"]: image for image in content["images"]}
    marked = [(image, f"image {image['id']} {image['file_name']!r}", image) for image in content["images"]]
    for annotation in content["annotations"]:
        photo = own.get(annotation["image_id"])
        if photo is not None:
            marked.append(
                (annotation, f"annotation {short_repr(annotation.get('id'))} of {photo['file_name']!r}", photo)
            )
    made = [image for image in content["images"] if _origins(image)]
    marked += [(content, "the set", image) for image in made[:1]]
    for entry, where, photo in marked:
        split, sources = splits.get(photo["file_name"]), _origins(entry)
        if held_out and _origins(photo):
            leaked = [name for name in sources if name in held_out]
        else:
            leaked = [name for name in sources if name in splits and splits[name] != split]
        if leaked:
            detail = f"taken from {join_limited(sorted(leaked))}, which is held out"
            yield LabelFault("pasted-from-validation", file, where, detail)


def _origins(entry: Mapping[str, Any]) -> list[str]:
    """`file_name`s in the provenance of an image or an annotation, where it has the form of one."""
    origins = entry.get(PROVENANCE)
    return [str(one.get("file_name")) for one in origins if isinstance(one, dict)] if isinstance(origins, list) else []


def _absent(
    contents: Mapping[str, dict[str, Any]], names: Mapping[str, str], splits: Mapping[str, str]
) -> Iterator[LabelFault]:
    objects: Counter[tuple[str, str]] = Counter()
    for content in contents.values():
        photos = {image["id"]: image["file_name"] for image in content["images"]}
        classes = {category["id"]: category["name"] for category in content["categories"]}
        for annotation in content["annotations"]:
            split = splits.get(photos.get(annotation["image_id"], ""))
            if split is not None and annotation["category_id"] in classes:
                objects[split, classes[annotation["category_id"]]] += 1
    painted = {
        split: content[PAINTED_KEY]
        for split, content in contents.items()
        if split in names and content.get(PAINTED_KEY)
    }
    objects.update((split, name) for split, seen in painted.items() for name in seen if not is_background(name))
    everywhere = dict.fromkeys(name for _, name in objects)
    for split in dict.fromkeys(splits.values()):
        if split == "test" and not any(objects[split, name] for name in everywhere):
            continue  # many test sets come without labels
        for name in everywhere:
            if not objects[split, name]:
                file = names.get(split, next(iter(names.values())))
                yield LabelFault("class-absent-from-split", file, f"class {name!r}", f"no object in {split}")
