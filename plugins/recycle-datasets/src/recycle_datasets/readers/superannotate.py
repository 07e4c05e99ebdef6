"""The `superannotate` dataset: vector and pixel projects of SuperAnnotate, in the form of 2021 and the one before."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from recycle_coco import Tree, parse_loose_json, read_bytes

from recycle_datasets import FilesOptions
from recycle_datasets.areas import ellipse
from recycle_datasets.bitmaps import placed
from recycle_datasets.labels import Labels
from recycle_datasets.maskfile import codes_of
from recycle_datasets.outlines import Shape
from recycle_datasets.readers.documents import HIDDEN, NOBODY_LABELLED, documents, photo_of, source
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.recognise.superannotate import is_superannotate, recognise
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext, RecycleError

FILE_ENDS = ("___objects.json", "___pixel.json", ".json")
SUPERANNOTATE_SKIPPED = {
    "bbox": "boxes",
    "rbbox": "boxes",
    "point": "points",
    "polyline": "lines",
    "cuboid": "cuboids",
    "template": "keypoints",
    "tag": "tags",
}
NO_OBJECTS = {"meta", "comment"}  # entries of the old form that are no objects


def open_superannotate(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of SuperAnnotate's JSON files, of vector projects and of pixel projects.

    Polygons without what they exclude, ellipses, and in pixel projects the parts of ___save.png that have the
    object's colours, are labelled areas. Objects of a higher zIndex are on top, of one the smaller. Outlines are of
    the photo as a browser shows it, turned as EXIF says, unless the stated size is that of the stored one alone.
    Classes are those of classes/classes.json in its order, else by name. Photos that are not started
    are left out, and objects that are not visible.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    classes: dict[str, str] = {}
    for file in Tree(context.root).named("classes.json"):
        classes |= _classes(context.root / file)
    for name, content, split in documents(options, context, labels, recognise, "SuperAnnotate"):
        if name.rpartition("/")[2] == "classes.json":
            continue
        if content is not None and not is_superannotate(content):
            labels.left_out["JSON files that are none of SuperAnnotate"] += 1
            continue
        for photo, objects, about in _photos(content, name):
            size = labels.size(about.get("height"), about.get("width"), f"{context.root / name}: {photo}")
            if str(about.get("status", "")).replace(" ", "").lower() == "notstarted" and not objects:
                labels.left_out[NOBODY_LABELLED] += 1
                continue
            mask = context.root / f"{name.removesuffix('___pixel.json')}___save.png"
            shapes = list(_shapes(labels, f"{context.root / name}: {photo}", objects, classes, mask))
            labels.photos.append(photo_of(photo, shapes, size, split, str(context.root / name)))
    return source(context, labels, "SuperAnnotate", dict.fromkeys(classes.values()))


def _classes(file: Path) -> dict[str, str]:
    """Names of classes by id, in the order of the project; none where the file is of something else."""
    try:
        content = parse_loose_json(read_bytes(file), file)
    except (RecycleError, ValueError):
        return {}
    return {str(one.get("id")): str(one["name"]).strip() for one in dicts(content) if one.get("name")}


def _photos(content: Any, name: str) -> Iterator[tuple[str, Sequence[dict[str, Any]], Mapping[str, Any]]]:
    """Each photo of a file with its objects and what states its size."""
    about = content.get("metadata") if isinstance(content, dict) else None
    if isinstance(about, dict) and isinstance(content.get("instances"), list):
        yield str(about.get("name") or _photo(name)), dicts(content["instances"]), about
        return
    lists = {_photo(name): content} if isinstance(content, list) else content or {}
    for photo, entries in lists.items():
        if isinstance(entries, dict) and isinstance(entries.get("instances"), list):
            entries = entries["instances"]
        if isinstance(entries, list):
            objects = [one for one in dicts(entries) if one.get("type") not in NO_OBJECTS]
            about = next((one for one in dicts(entries) if one.get("name") == "imageAttributes"), {})
            yield str(photo), objects, about


def _photo(name: str) -> str:
    base = name.rpartition("/")[2]
    return next((base.removesuffix(end) for end in FILE_ENDS if base.endswith(end)), base)


def _shapes(
    labels: Labels, where: str, objects: Sequence[Mapping[str, Any]], classes: Mapping[str, str], file: Path
) -> Iterator[Shape]:
    """The labelled areas of a photo; all else is counted as left out."""
    colors = codes_of(file) if file.is_file() and any("parts" in one for one in objects) else None
    for number, one in enumerate(objects, start=1):
        place, kind = f"{where}, object {number}", str(one.get("type"))
        name = str(one.get("className") or classes.get(str(one.get("classId")), "")).strip()
        depth = one.get("zIndex")
        level = int(depth) if isinstance(depth, int | float) and abs(depth) < 2**31 else 0
        if one.get("visible") is False:
            labels.left_out[HIDDEN] += 1
        elif isinstance(one.get("parts"), list):
            found = [_code(part) for part in dicts(one["parts"])]
            if colors is None:
                labels.faults.append((place, f"{file.name} is missing, which holds its pixels"))
            elif not name:
                labels.left_out["objects without a class"] += 1
            else:
                mask = np.isin(colors, [code for code in found if code is not None])
                yield Shape(name, rle=placed(mask, 0, 0, *mask.shape), level=level)
        elif kind not in ("polygon", "ellipse"):
            labels.left_out[SUPERANNOTATE_SKIPPED.get(kind, f"objects of type {kind}")] += 1
        elif not name:
            labels.left_out["objects without a class"] += 1
        elif kind == "polygon":
            holes = one.get("exclude") if isinstance(one.get("exclude"), list) else []
            outlines = [labels.outline(one.get("points"), place)]
            yield Shape(name, outlines, [labels.outline(hole, place) for hole in holes or []], level=level)
        else:
            yield Shape(name, [_ellipse(labels, place, one)], level=level)


def _ellipse(labels: Labels, where: str, one: Mapping[str, Any]) -> list[float]:
    try:
        x, y, across, down = (float(one[key]) for key in ("cx", "cy", "rx", "ry"))
        return labels.outline(ellipse(x, y, across, down, float(one.get("angle") or 0)), where)
    except (KeyError, TypeError, ValueError, OverflowError):
        labels.faults.append((where, "its ellipse lacks a centre or a radius"))
        return []


def _code(part: Mapping[str, Any]) -> int | None:
    """The colour of a part as one number."""
    try:
        return int(str(part.get("color")).lstrip("#"), 16)
    except ValueError:
        return None
