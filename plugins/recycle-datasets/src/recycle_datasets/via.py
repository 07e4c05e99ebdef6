"""The `via` dataset: projects and region files of the VGG Image Annotator, versions 1 to 3."""

import csv
import json
import logging
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path, PurePosixPath
from typing import Any

from recycle_coco import Tree
from recycle_coco.table import CsvRows, lines_of, read_table

from recycle_datasets import ViaOptions
from recycle_datasets.areas import ellipse, is_number
from recycle_datasets.folders import names_of
from recycle_datasets.labels import LabelledPhoto, Labels, json_of, merged, sorted_names
from recycle_datasets.outlines import Outline, Shape
from recycle_datasets.recognise.via import PROJECT_METADATA, is_project, is_regions, is_version_3, recognise
from recycle_datasets.shapes import ShapeSource
from recycle_datasets.splits import splits_of
from recycle_datasets.via3 import as_regions
from recyclecli.types import DatasetContext, RecycleError

log = logging.getLogger("recycle.datasets")

CLASS_ATTRIBUTES = ("class", "label", "category", "name", "names", "type", "class_id", "object", "material")
YES = ("", "1", "true", "yes", "on", "undefined")  # values of an attribute that is called as the class
VIA_SKIPPED = {"rect": "boxes", "point": "points", "polyline": "lines", "line": "lines"}
ONLY = "object"  # the class of regions none of which has one
NOT_DEFINED = "not_defined"  # what VIA sets where nobody has set a value
REGIONS_WITHOUT_CLASS = "regions without a class"
FILE_KEYS = {"region", "file"}  # what a file of attributes says
CLOSED_LINE_SHARE = 0.05  # a line whose ends are that near, in shares of its extent, goes around something

ViaRegion = tuple[Mapping[str, Any], dict[str, str]]  # shape, and attributes as text
Lists = Mapping[str, Mapping[str, str]]  # attribute to the values that are chosen from, each with its text


def open_via(options: ViaOptions, context: DatasetContext) -> ShapeSource:
    """The photos of a VIA file, or of several whose folders are splits.

    VIA shows photos as a browser does, turned as EXIF says. Of its shapes polygons, circles and ellipses are labelled
    areas. A polyline is one where its ends meet, or where a file has no polygon at all. VIA keeps no order of drawing:
    the smaller is on top. Numbers of a dropdown, radio or checkbox are called by their texts, where the project or a
    file of attributes tells them. Where no region of any file has a class, all are of one, `object`; where some have,
    a photo whose regions have none is left out.

    Raises:
        RecycleError: see `ShapeSource`; no such file, none of VIA, no labelled area, or an attribute that may be the
            class in several.
    """
    tree = Tree(context.root)
    files = options.files or names_of(tree, context, recognise, "files", "VIA", "via.json")
    splits = splits_of(files)
    told = _told(tree)
    labels, silent = _read_all(context.root, files, splits, options, told)
    if not any(photo.shapes for photo in labels.photos) and labels.left_out[REGIONS_WITHOUT_CLASS]:
        log.warning(
            f"note: {labels.file}: no region has a class; all are taken for {ONLY!r}: "
            "-o data.dataset.unnamed=NAME names it"
        )
        labels, _ = _read_all(context.root, files, splits, options.model_copy(update={"unnamed": ONLY}), told)
    else:
        for file in silent:
            log.warning(
                f"note: {file}: no region has a class, so that its photos are left out; "
                "-o data.dataset.unnamed=CLASS names that of all regions without one"
            )
    labels.refuse_no_area("draw polygons in VIA, and export the annotations again as JSON")
    labels.names = labels.names or sorted_names(labels.photos)
    return ShapeSource(context.root, labels, context.drop_unreadable)


def _read_all(
    root: Path, files: Sequence[str], splits: Sequence[str], options: ViaOptions, told: Lists
) -> tuple[Labels, list[Path]]:
    """All files as one, and those of which no region has a class."""
    parts = [_read(root, name, split, options, told) for name, split in zip(files, splits, strict=True)]
    silent = [
        part.file for part in parts if part.left_out[REGIONS_WITHOUT_CLASS] and not part.photos and not part.faults
    ]
    return merged(parts, root / files[0]), silent


def _read(root: Path, name: str, split: str, options: ViaOptions, told: Lists) -> Labels:
    """One file; `told` is what a file of attributes says, for exports that lack them."""
    file = root / name
    labels = Labels(file)
    entries, order = _entries(file)
    order = order or told
    folder = PurePosixPath(name).parent
    regions = [[_region(region, order) for region in entry[1]] for entry in entries]
    key = options.attribute or _attribute(file, [one[1] for found in regions for one in found])
    listed = order.get(key, {})
    labels.names = list(dict.fromkeys(listed.values()))
    if other := next((value for value in listed if listed[value] != value), None):
        log.warning(f"note: {file}: classes are the texts of {key!r}, as {listed[other]!r} for {other!r}")
    areas = any(one[0].get("name") == "polygon" for found in regions for one in found)
    for (photo, _), found in zip(entries, regions, strict=True):
        unnamed = labels.left_out[REGIONS_WITHOUT_CLASS]
        shapes = list(_shapes(labels, f"{file}: {photo}", found, key, options.unnamed, areas))
        if labels.left_out[REGIONS_WITHOUT_CLASS] > unnamed and not shapes:
            labels.left_out["photos none of whose regions has a class"] += 1
        else:
            labels.photos.append(LabelledPhoto((folder / photo).as_posix(), shapes, split=split, origin=str(file)))
    return labels


def _entries(file: Path) -> tuple[list[tuple[str, Sequence[Any]]], Lists]:
    """Photos with their regions, and the values of each attribute in the order of the project."""
    if file.suffix.lower() == ".csv":
        return _rows(file), {}
    content = json_of(file, "export it from VIA again")
    order: Lists = {}
    if is_project(content):
        order = _options(content.get("_via_attributes"))
        content = content[PROJECT_METADATA]
    elif is_version_3(content):
        content, values = as_regions(content)
        order = {key: {value: value for value in found} for key, found in values.items()}
    if content != {} and not is_regions(content):
        raise RecycleError(f"{file} is no project or region file of VIA", "export the annotations from VIA as JSON")
    photos: list[tuple[str, Sequence[Any]]] = []
    for entry in content.values():
        regions = entry["regions"]
        name = str(entry["filename"]).replace("\\", "/")
        photos.append((name, list(regions.values() if isinstance(regions, dict) else regions)))
    return photos, order


def _options(attributes: Any) -> Lists:
    """The values of each attribute of regions that is chosen from a list, with what they are called.

    Numbers are called as VIA shows them, by their texts; of words the texts explain them.
    """
    found = attributes.get("region") if isinstance(attributes, dict) else None
    settings = found.items() if isinstance(found, dict) else ()
    lists = {str(key): one["options"] for key, one in settings if isinstance(one, dict) and "options" in one}
    return {key: _called(options) for key, options in lists.items() if isinstance(options, dict)}


def _called(options: Mapping[str, Any]) -> dict[str, str]:
    if all(map(is_number, options)):
        return {value: str(text or value).strip() for value, text in options.items()}
    return {value: value.strip() for value in options}


def _told(tree: Tree) -> Lists:
    """The values of attributes by a file of them, as VIA writes it beside exports of regions."""
    found = (_options(content) for _, content in tree.jsons() if isinstance(content, dict) and {*content} == FILE_KEYS)
    return next(filter(None, found), {})


def _rows(file: Path) -> list[tuple[str, Sequence[Any]]]:
    """The photos of a CSV export, a region a line."""
    photos: dict[str, list[Any]] = {}
    try:
        for row in CsvRows(lines_of(read_table(file))):
            found = photos.setdefault(row.get("filename") or row["#filename"], [])
            shape = json.loads(row["region_shape_attributes"])
            if shape:
                found.append({"shape_attributes": shape, "region_attributes": json.loads(row["region_attributes"])})
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise RecycleError(f"{file} is no CSV export of VIA: {error!r}", "export it from VIA again") from error
    return list(photos.items())


def _region(region: Any, lists: Lists) -> ViaRegion:
    """A region's shape, and its attributes as text: a checkbox is the values that are checked."""
    shape = region.get("shape_attributes") if isinstance(region, dict) else None
    attributes = region.get("region_attributes") if isinstance(region, dict) else None
    texts = {}
    for key, value in (attributes if isinstance(attributes, dict) else {}).items():
        checked = [name for name, on in value.items() if on] if isinstance(value, dict) else [value]
        text = "" if len(checked) != 1 or checked[0] in (None, NOT_DEFINED) else str(checked[0]).strip()
        texts[str(key)] = lists.get(str(key), {}).get(text, text)
    return shape if isinstance(shape, dict) else {}, texts


def _attribute(file: Path, attributes: Sequence[dict[str, str]]) -> str:
    """The attribute that is the class; "" where each class has an attribute of its own."""
    keys = list(dict.fromkeys(key for one in attributes for key in one))
    filled = Counter(key for one in attributes for key, value in one.items() if value)
    if all(value.lower() in YES for one in attributes for value in one.values()):
        return "" if not filled or len(keys) > 1 or keys[0].lower() not in CLASS_ATTRIBUTES else keys[0]
    usual = [key for name in CLASS_ATTRIBUTES for key in filled if key.lower() == name]
    if len(filled) > 1 and not usual and all(sum(map(bool, one.values())) < 2 for one in attributes):
        return ""
    full = [key for key in filled if filled[key] == max(filled.values())]
    candidates = [key for key in usual if filled[key] * 2 > len(attributes)][:1] or full
    for first, second in combinations(candidates, 2):
        if any(one.get(first) != one.get(second) for one in attributes):
            raise RecycleError(
                f"{file}: the class may be attribute {first!r} or {second!r}",
                f"say which: -o data.dataset.attribute={first}, or -o data.dataset.attribute={second}",
            )
    others = [key for key in filled if key not in candidates[:1]]
    if candidates and others:
        log.warning(f"note: {file}: the class is attribute {candidates[0]!r}, not {', '.join(map(repr, others))}")
    return candidates[0] if candidates else ""


def _shapes(
    labels: Labels, where: str, regions: Sequence[ViaRegion], key: str, unnamed: str | None, areas: bool
) -> Iterator[Shape]:
    """The labelled areas of a photo; all else is counted as left out."""
    for number, (shape, attributes) in enumerate(regions, start=1):
        kind = str(shape.get("name"))
        outline = _outline(labels, f"{where}, region {number}", kind, shape, areas)
        name = attributes.get(key, "") if key else _own_name(attributes)
        name = name or unnamed or ""
        if outline is None:
            labels.left_out[VIA_SKIPPED.get(kind, f"shapes of kind {kind}")] += 1
        elif not name:
            labels.left_out[REGIONS_WITHOUT_CLASS] += 1
        else:
            yield Shape(name, [outline])


def _own_name(attributes: Mapping[str, str]) -> str:
    """The class of a region by the one attribute that is set: what it is called, or its value; "" for several."""
    chosen = {key: value for key, value in attributes.items() if value} or attributes
    if len(chosen) != 1:
        return ""
    ((key, value),) = chosen.items()
    if not value and key.lower() in CLASS_ATTRIBUTES:
        return ""
    return key if value.lower() in YES else value


def _outline(labels: Labels, where: str, kind: str, shape: Mapping[str, Any], areas: bool) -> Outline | None:
    """The outline of a shape that has an area; None for others."""
    if kind in ("polygon", "polyline"):
        xs, ys = shape.get("all_points_x") or [], shape.get("all_points_y") or []
        if not isinstance(xs, list) or not isinstance(ys, list):
            labels.faults.append((where, "its all_points_x and all_points_y are no lists"))
            return []
        if len(xs) != len(ys):
            labels.faults.append((where, f"it has {len(xs)} x and {len(ys)} y"))
            return []
        points = labels.outline(list(zip(xs, ys, strict=True)), where)
        return points if kind == "polygon" or not areas or _goes_around(points) else None
    if kind not in ("circle", "ellipse"):
        return None
    try:
        x, y = float(shape["cx"]), float(shape["cy"])
        across, down = (float(shape["r"]),) * 2 if kind == "circle" else (float(shape["rx"]), float(shape["ry"]))
        turn = math.degrees(float(shape.get("theta", 0)))
    except (KeyError, TypeError, ValueError, OverflowError):
        labels.faults.append((where, f"its {kind} lacks a centre or a radius"))
        return []
    return labels.outline(ellipse(x, y, across, down, turn), where)


def _goes_around(points: Outline) -> bool:
    """Whether the ends of a line meet."""
    if len(points) < 8:
        return False
    xs, ys = points[::2], points[1::2]
    gap = math.hypot(xs[0] - xs[-1], ys[0] - ys[-1])
    return gap <= CLOSED_LINE_SHARE * math.hypot(max(xs) - min(xs), max(ys) - min(ys))
