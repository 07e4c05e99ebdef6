"""Loose spellings of a COCO file that have one right reading: numbers as text, points as pairs or one flat list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from recyclecli.printable import short_repr

Loose = tuple[str, str, str]  # a code of `recycle data check`, the entry, and what was found there
WHOLE_NUMBER_KEYS = {
    "images": ("id", "width", "height"),
    "annotations": ("category_id", "iscrowd"),
    "categories": ("id",),
}  # of the entries of each list, the numbers without a fraction


def strict(content: Any) -> tuple[Any, list[Loose]]:
    """The content with each loose spelling read, in a copy of what changes, and one entry for each of these.

    Sizes, flags, areas, ids of categories and fractional ids of images become numbers. An `image_id` that no
    image has is that of the one image whose id is the same number. Points become lists of x1, y1, x2, y2 ...
    What has no right reading stays.
    """
    if not isinstance(content, dict):
        return content, []
    found: list[Loose] = []
    lists = {
        section: [_entry(entry, section, numbers, found) for entry in content[section]]
        for section, numbers in WHOLE_NUMBER_KEYS.items()
        if isinstance(content.get(section), list)
    }
    if {"images", "annotations"} <= lists.keys():
        lists["annotations"] = list(_referring(lists["annotations"], lists["images"], found))
    return ({**content, **lists} if found else content), found


def _entry(entry: Any, section: str, numbers: tuple[str, ...], found: list[Loose]) -> Any:
    if not isinstance(entry, dict):
        return entry
    changed: dict[str, Any] = {}
    for key in numbers:
        value = entry.get(key)
        if type(value) is not int and value is not None and not (section == "images" and _is_name(key, value)):
            _take(changed, key, value, _whole(value))
    if section == "annotations":
        if isinstance(entry.get("area"), str):
            _take(changed, "area", entry["area"], _number(entry["area"]))
        if isinstance(entry.get("segmentation"), list):
            _take(changed, "segmentation", entry["segmentation"], _parts(entry["segmentation"]))
    for key in changed:
        code = "loose-points" if key == "segmentation" else "loose-number"
        found.append((code, f"{section} {short_repr(entry.get('id'))}", f"{key} is {short_repr(entry[key])}"))
    return {**entry, **changed} if changed else entry


def _is_name(key: str, value: Any) -> bool:
    return key == "id" and isinstance(value, str)  # ids of images may be text


def _take(changed: dict[str, Any], key: str, old: Any, new: Any) -> None:
    if new is not None and (new != old or type(new) is not type(old)):
        changed[key] = new


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return int(value)
    number = _number(value) if isinstance(value, str) else value
    return int(number) if isinstance(number, float) and number.is_integer() else None


def _number(text: str) -> float | None:
    try:
        return float(text) if len(text) < 30 and text.isascii() and "_" not in text else None
    except ValueError:
        return None


def _referring(annotations: list[Any], images: list[Any], found: list[Loose]) -> Iterator[Any]:
    """The annotations with the ids of their images as these have them."""
    ids = [image.get("id") for image in images if isinstance(image, dict)]
    known = {identity for identity in ids if isinstance(identity, (int, str))}
    alike: defaultdict[int | None, set[Any]] = defaultdict(set)
    for identity in known:
        alike[_as_int(identity)].add(identity)
    for annotation in annotations:
        wanted = annotation.get("image_id") if isinstance(annotation, dict) else None
        if isinstance(wanted, (int, str, float)) and not (wanted in known and type(wanted) in (int, str)):
            number = _as_int(wanted)
            (only,) = alike[number] if number is not None and len(alike[number]) == 1 else (None,)
            if only is not None:
                where = f"annotations {short_repr(annotation.get('id'))}"
                found.append(("loose-number", where, f"image_id is {short_repr(wanted)}"))
                annotation = {**annotation, "image_id": only}
        yield annotation


def _as_int(value: Any) -> int | None:
    return value if type(value) is int else None if isinstance(value, bool) else _whole(value)


def _parts(shape: list[Any]) -> list[Any] | None:
    """Polygons whose points are pairs, texts, or one list without a list around it, as COCO has them; else None."""
    if all(isinstance(part, list) and part and isinstance(part[0], (int, float)) and len(part) > 2 for part in shape):
        return None  # as they should be
    if shape and not isinstance(shape[0], list):
        return _flat(shape, lambda part: [part])
    if len(shape) > 1 and _are_pairs(shape):
        return _flat([value for point in shape for value in point], lambda part: [part])
    parts = [[value for point in part for value in point] if _are_pairs(part) else part for part in shape]
    if not all(
        isinstance(part, list) and all(isinstance(value, (int, float, str)) for value in part) for part in parts
    ):
        return None
    if any(isinstance(value, str) for part in parts for value in part):
        read = [_flat(part, list) for part in parts]
        return None if any(part is None for part in read) else read
    return parts


def _are_pairs(points: Any) -> bool:
    return isinstance(points, list) and bool(points) and all(isinstance(one, list) and len(one) == 2 for one in points)


def _flat(values: list[Any], wrapped: Callable[[list[Any]], list[Any]]) -> list[Any] | None:
    read = [_number(value) if isinstance(value, str) else value for value in values]
    return wrapped(read) if all(isinstance(value, (int, float)) for value in read) else None
