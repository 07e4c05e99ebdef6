"""COCO files as labelling tools, people and their scripts leave them, as one sound COCO content."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recycle_coco import locate, photos_below

from recycle_datasets.coco_faults import drop_faulty, shape_faults
from recycle_datasets.coco_listed import listed_splits
from recycle_datasets.coco_parts import CocoFile, parts_of
from recycle_datasets.coco_sizes import sized
from recycle_datasets.folders import photos_there, say_moved
from recycle_datasets.recognise.places import PhotoFinder
from recycle_datasets.shapes import DROPPED, MISSING
from recyclecli.types import LabelFaults, RecycleError

PEOPLE = re.compile(
    r"(?:^|_)(?:user|users|username|email|mail|author|annotators?|owner|creator|reviewer|worker|assignee)$"
)
PERSONAL = re.compile(r"(?:user|owner|author|annotator|creator|worker)_?(?:id|name|email)$")
UNSET = (None, "", "none", "None", "null")


@dataclass(slots=True)
class Export:
    """What the files of an export hold.

    Attributes:
        file: the first of them, for messages.
        content: their images, annotations and categories as one COCO content; file names are those of photos.
        splits: `train`, `val` and `test`, as far as the files are called so, to indices of photos.
        left_out: what they hold besides, to how many.
    """

    file: Path
    content: dict[str, Any]
    splits: dict[str, tuple[int, ...]]
    left_out: Counter[str]


def read_export(root: Path, files: Sequence[str], drop: bool = False) -> Export:
    """The photos and labels of COCO files; a name that is a folder's means its JSON files, of one photo each.

    Photos are looked for by name, and those that are not there are left out; an image that is listed twice is one.
    Sizes that are not stated are the photos'. Where photos were scaled after they had been labelled, outlines are, too.
    A category that no annotation uses is left out where it names the project: Roboflow's number 0, or the one that all
    others are below. Categories of one name are one, and objects without any are called `object`. Boxes are left out
    where other objects have outlines.

    Args:
        root: the folder that the photos lie in, at whatever depth.
        files: names relative to it.
        drop: photos and annotations that cannot be used are left out and counted.

    Raises:
        RecycleError: a file is missing or no COCO, no photo is there, or a name means several. LabelFaults: photos that
            do not have the size that was labelled.
    """
    places = PhotoFinder(photo.relative_to(root).as_posix() for photo in photos_below(root))
    left_out = Counter[str]()
    parts = [part for name in files for part in parts_of(root, name, left_out)]
    for part in parts:
        _place_photos(root, part, places, left_out)
    first = parts[0].file
    if not any(part.images for part in parts):
        raise _nothing_there(root, parts)
    parts = [part for part in parts if part.images]
    _drop_projects(parts, left_out)
    whole = _joined(parts, left_out)
    split_of_photo = whole.pop("splits")
    unfit = dict(sized(root, whole))
    faults = [*(fault for part in parts for fault in part.faults), *unfit.items()]
    if faults and not drop:
        faults += [(where, what) for _, where, what in shape_faults(whole)]
        raise LabelFaults(faults, "export again with the photos that were labelled, or correct the annotation file")
    if drop:
        kept = drop_faulty(whole, unfit, left_out)
        split_of_photo = [split_of_photo[place] for place in kept]
        if uncounted := sum(len(part.faults) for part in parts):
            left_out[DROPPED] += uncounted
    splits: dict[str, list[int]] = defaultdict(list)
    for index, split in enumerate(split_of_photo):
        if split:
            splits[split].append(index)
    if not splits:
        splits |= listed_splits(root, [image["file_name"] for image in whole["images"]])
    left_out += _unnamed(places, whole)
    _drop_shapeless(whole, left_out)
    return Export(first, whole, {split: tuple(found) for split, found in splits.items()}, left_out)


def _place_photos(root: Path, part: CocoFile, places: PhotoFinder, left_out: Counter[str]) -> None:
    """Keep the images whose photos are there, each under its photo's name and once, and their annotations."""
    named = [(image, name) for image in part.images if (name := _name(image))]
    file = part.file.relative_to(root).as_posix()
    placed = places.find([name for _, name in named], file)
    rest = [name for _, name in named if name not in placed.found and name not in placed.doubtful]
    spelled = locate(root, dict.fromkeys(rest)) if rest else None
    for name, photos in {**placed.doubtful, **(spelled.doubtful if spelled else {})}.items():
        raise RecycleError(
            f"{part.file}: file_name {name!r} may be {len(photos)} photos: {', '.join(map(repr, photos[:3]))}",
            "move the folder of the others out, or write the one that is meant into the annotation file",
        )
    taken = set(placed.found.values())
    found = {**placed.found}
    for name, photo in (spelled.found if spelled else {}).items():
        if photo not in taken:
            found[name] = photo
    say_moved(part.file, found)
    ids: dict[Any, Any] = {}
    kept: dict[str, dict[str, Any]] = {}
    lost = set[Any]()
    for image, name in named:
        place = found.get(name)
        if place is None:
            lost.add(image.get("id"))
            left_out[MISSING] += 1
            continue
        image["file_name"] = place
        ids[image.get("id")] = kept.setdefault(place, image).get("id")
    annotations = []
    for one in part.annotations:
        image_id = one.get("image_id")
        known = isinstance(image_id, int | str)
        if known and image_id in ids:
            one["image_id"] = ids[image_id]
            annotations.append(one)
        elif not (known and image_id in lost):
            left_out["annotations of images that the file does not list"] += 1
    left_out["images without a file_name"] += len(part.images) - len(named)
    left_out += Counter()  # without zeros
    part.images, part.annotations = list(kept.values()), annotations


def _name(image: Mapping[str, Any]) -> str:
    keys = ("file_name", "filename", "path", "coco_url", "url")
    return next((str(image[key]) for key in keys if isinstance(image.get(key), str | int) and image[key] != ""), "")


def _nothing_there(root: Path, parts: Sequence[CocoFile]) -> RecycleError:
    """What is said where none of the photos is there."""
    what = photos_there(root)
    files = ", ".join(str(part.file) for part in parts[:3])
    return RecycleError(
        f"{files}: none of the photos is in {root}: {what}",
        "put the photos into that folder, under the names of the annotation file; where they lie beside it, name the "
        f"folder of both: recycle data import {root.parent} OUT",
    )


def _drop_projects(parts: Sequence[CocoFile], left_out: Counter[str]) -> None:
    """Leave out the category that stands for the project, in all files, and make categories of one name one."""
    used = {(part.file, one.get("category_id")) for part in parts for one in part.annotations}
    used_ids = {key for _, key in used}
    for part in parts:
        names = Counter(one["name"] for one in part.categories)
        above_of = Counter(str(one.get("supercategory")) for one in part.categories)
        gone = set[int]()
        for place, one in enumerate(part.categories):
            if one.get("id") in used_ids:
                continue
            others = len(part.categories) - len(gone) - 1
            roboflow = part.file.name.lower() == "_annotations.coco.json" and one.get("id") == 0
            above = others > 0 and above_of[one["name"]] - (one.get("supercategory") == one["name"]) == others
            twice = names[one["name"]] > 1
            if (others and one.get("supercategory") in UNSET and (roboflow or above)) or twice:
                gone.add(place)
                names[one["name"]] -= 1
                above_of[str(one.get("supercategory"))] -= 1
                left_out[f"unused categories that name the project: {one['name']}"] = 1
        part.categories = [one for place, one in enumerate(part.categories) if place not in gone]
    for part in parts:
        first: dict[str, Any] = {}
        same = {one.get("id"): first.setdefault(one["name"], one.get("id")) for one in part.categories}
        if len(first) < len(part.categories):
            for annotation in part.annotations:
                annotation["category_id"] = same.get(annotation.get("category_id"), annotation.get("category_id"))
            part.categories = [one for one in part.categories if same[one.get("id")] == one.get("id")]


def _joined(parts: Sequence[CocoFile], left_out: Counter[str]) -> dict[str, Any]:
    """The files as one content with numbers of its own, and the split of each photo."""
    id_of = _category_ids(parts)
    categories = {id_of[one["name"]]: {**one, "id": id_of[one["name"]]} for part in parts for one in part.categories}
    images: dict[str, dict[str, Any]] = {}
    splits: dict[str, str] = {}
    annotations: list[dict[str, Any]] = []
    for part in parts:
        names = {one.get("id"): id_of[one["name"]] for one in part.categories}
        ids: dict[Any, int] = {}
        repeated: set[int] = set()  # photos that an earlier file labels, too
        for image in part.images:
            entry = images.setdefault(image["file_name"], image)
            ids[image.get("id")] = len(images) if entry is image else entry["id"]
            if entry is image:
                splits[image["file_name"]] = part.split
                entry["id"] = len(images)
            else:
                splits[image["file_name"]] = max(splits[image["file_name"]], part.split, key=_judging)
                left_out["photos that several files label: once each"] += 1
                repeated.add(entry["id"])
        earlier: dict[int, list[dict[str, Any]]] = {number: [] for number in repeated}
        for one in annotations:
            earlier.get(one["image_id"], []).append(one)
        for one in part.annotations:
            category = one.get("category_id")
            if category is None:
                left_out["objects without a class"] += 1
                continue
            one |= {"image_id": ids[one["image_id"]], "category_id": names.get(category, category)}
            if category not in names:
                part.faults.append((f"{part.file}, annotation {one.get('id')}", f"no category has id {category!r}"))
                continue
            if any(_is_same(one, other) for other in earlier.get(one["image_id"], ())):
                continue
            one["id"] = len(annotations) + 1
            annotations.append(one)
    for entry in (*images.values(), *annotations):
        left_out["fields that name people"] += _forget_people(entry)
    left_out += Counter()
    return {
        "images": [*images.values()],
        "annotations": annotations,
        "categories": [categories[key] for key in sorted(categories)],
        "splits": [splits[name] for name in images],
    }


def _is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether annotations of one photo are the same object."""
    return all(one.get(key) == other.get(key) for key in ("category_id", "segmentation", "bbox"))


def _unnamed(places: PhotoFinder, content: Mapping[str, Any]) -> Counter[str]:
    """How many photos lie among those that the files name, and are not named."""
    named = {image["file_name"] for image in content["images"]}
    folders = {name.rpartition("/")[0] for name in named}
    others = sum(photo not in named and photo.rpartition("/")[0] in folders for photo in places.photos)
    return Counter({"photos that no annotation file names": others} if others else {})


def _judging(split: str) -> int:
    return ("", "train", "val", "test").index(split)


def _category_ids(parts: Sequence[CocoFile]) -> dict[str, int]:
    """The number of each category's name: their own where all files agree, else in the order of the first file."""
    ordered = [sorted(part.categories, key=lambda one: one["id"]) for part in parts]
    pairs = {(one["id"], one["name"]) for categories in ordered for one in categories}
    own = {name: number for number, name in pairs}
    if len(pairs) == len(own) == len({number for number, _ in pairs}):
        return own
    names = dict.fromkeys(one["name"] for categories in ordered for one in categories)
    return {name: number for number, name in enumerate(names, start=1)}


def _forget_people(entry: dict[str, Any]) -> int:
    """Take out what names who labelled; how many fields that were."""
    gone = [key for key in entry if PEOPLE.search(str(key).lower()) or PERSONAL.search(str(key).lower())]
    for key in gone:
        del entry[key]
    inside = (value for key, value in entry.items() if isinstance(value, dict) and key != "segmentation")
    return len(gone) + sum(_forget_people(value) for value in inside)


def _drop_shapeless(content: dict[str, Any], left_out: Counter[str]) -> None:
    """Leave out boxes, keypoints and tags where other objects have outlines; where none has, they are the cause."""
    for one in content["annotations"]:
        shape = one.get("segmentation")
        if isinstance(shape, list) and len(shape) == 1 and isinstance(shape[0], dict):
            one["segmentation"] = shape[0]
    outlined = [one for one in content["annotations"] if _has_outline(one.get("segmentation"))]
    if not outlined or len(outlined) == len(content["annotations"]):
        return
    for one in content["annotations"]:
        if not _has_outline(one.get("segmentation")):
            points = bool(one.get("keypoints"))
            what = "keypoints" if points else "boxes" if one.get("bbox") else "tags"
            left_out[f"{what} without an outline"] += 1
    content["annotations"] = outlined


def _has_outline(shape: Any) -> bool:
    """Whether a segmentation may enclose something; one that is malformed may, and is refused later."""
    if isinstance(shape, list):
        return any(not isinstance(part, list) or len(part) >= 6 for part in shape)
    return shape is not None
