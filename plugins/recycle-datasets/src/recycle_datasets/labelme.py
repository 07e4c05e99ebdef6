"""The `labelme` dataset: a JSON file for each photo, of labelme and of tools that write the same."""

import base64
import binascii
import logging
import math
import posixpath
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from recycle_coco import (
    IGNORE_CATEGORY,
    PHOTO_SUFFIXES,
    Tree,
    is_background,
    is_hidden,
    parse_loose_json,
    photo_size,
    read_large,
    resolve_file,
)

from recycle_datasets import LabelmeOptions
from recycle_datasets.areas import ellipse
from recycle_datasets.bitmaps import bands, placed, png
from recycle_datasets.folders import lines_of, names_of
from recycle_datasets.labels import LabelledPhoto, Labels, is_file, sorted_names
from recycle_datasets.outlines import Outline, Shape
from recycle_datasets.recognise.labelme import is_labelme, recognise
from recycle_datasets.shapes import ShapeSource
from recycle_datasets.splits import nearest_split
from recyclecli.types import DatasetContext, RecycleError, counted

log = logging.getLogger("recycle.datasets")

LABELME_IGNORE = "__ignore__"  # labelme's name for pixels of no class
LABELME_CLASS_FILES = ("labels.txt", "class_names.txt", "classes.txt", "predefined_classes.txt")
ROTATED = ("rotation", "oriented_rectangle")  # of X-AnyLabeling and labelme, with four corners
LABELME_BOXES = ("rectangle", *ROTATED)  # with two or four corners
POLYGONS = ("polygon", "quadrilateral", "None", "")  # old versions state no type
LABELME_SKIPPED = {"line": "lines", "linestrip": "lines", "point": "points", "points": "points", "cuboid": "cuboids"}
NO_JSON_FILE = "photos without a JSON file, which nobody has labelled"


@dataclass(frozen=True, slots=True)
class _Area:
    """A labelled area of a photo.

    Attributes:
        shape: as it is drawn.
        boxed: it is a rectangle with upright sides, as boxes of detection are.
        rotated: it is a rectangle that was turned to fit the object.
        group: number of the object that it is a part of; None where it is one alone.
    """

    shape: Shape
    boxed: bool
    rotated: bool
    group: str | None


def open_labelme(options: LabelmeOptions, context: DatasetContext) -> ShapeSource:
    """The photos of labelme's JSON files, in one folder or in several.

    Polygons, circles and masks are labelled areas. Rectangles are where their class has outlines or masks, too; where
    a class has rectangles alone they are boxes and left out, unless `boxes` says otherwise. Rotated rectangles are
    polygons of four points, which is printed. Shapes of one label and
    one `group_id` are parts of one object. What stands later in a file is drawn on top, as labelme's own conversion
    draws it. labelme shows photos turned as EXIF says and states that size. `__ignore__` is ignored, `_background_` the
    background. The order of the classes is that of labels.txt or class_names.txt beside the files, else by name.
    A photo that is not there is read out of its JSON file, where labelme put it.

    Raises:
        RecycleError: see `ShapeSource`; no JSON file of labelme, or no labelled area.
    """
    tree = Tree(context.root)
    folders = options.folders or names_of(tree, context, recognise, "folders", "labelme", "annotations")
    labels = Labels(context.root / folders[0])
    found: list[tuple[LabelledPhoto, list[_Area]]] = []
    for folder in folders:
        found += _read_folder(context.root, folder, labels)
    found = _own_photos(context.root, found)
    outlined = {area.shape.name for _, areas in found for area in areas if not (area.boxed or area.rotated)}
    drawn = rotated = 0
    for photo, areas in found:
        drawn += sum(one.boxed and one.shape.name in outlined for one in areas)
        rotated += sum(one.rotated for one in areas)
        kept = [one for one in areas if _is_area(options.boxes, one, outlined)]
        if len(kept) < len(areas):
            labels.left_out["boxes"] += len(areas) - len(kept)
        labels.photos.append(replace(photo, shapes=list(_objects(kept))))
    if drawn and options.boxes == "auto":
        log.warning(
            f"note: {labels.file}: {counted(drawn, 'rectangle')} taken for areas, as labelme draws them, since their "
            "classes have outlines, too; -o data.dataset.boxes=left-out leaves them out"
        )
    if rotated and options.boxes == "auto":
        log.warning(
            f"note: {labels.file}: {counted(rotated, 'rotated box')} taken for areas of four corners; "
            "they are boxes, and no outlines of objects; -o data.dataset.boxes=left-out leaves them out"
        )
    labels.refuse_no_area("draw outlines in labelme; where its rectangles are the areas: -o data.dataset.boxes=areas")
    labels.names = _names(context.root, folders, labels)
    source = ShapeSource(context.root, labels, context.drop_unreadable)
    _count_unlabelled(context.root, source)
    return source


def _is_area(boxes: str, area: _Area, outlined: set[str]) -> bool:
    if not (area.boxed or area.rotated) or boxes == "areas":
        return True
    return boxes == "auto" and (area.rotated or area.shape.name in outlined)


def _read_folder(root: Path, folder: str, labels: Labels) -> Iterator[tuple[LabelledPhoto, list[_Area]]]:
    """The photos of the JSON files of one folder; files of other tools are counted."""
    place = resolve_file(root, folder) if folder != "." else root
    if not place.is_dir():
        raise RecycleError(f"folder {place} does not exist", "name the folder of labelme's JSON files")
    split = nearest_split(PurePosixPath(folder))
    files = sorted(file for file in place.iterdir() if file.suffix.lower() == ".json" and not is_hidden(file.name))
    for file in files:
        content = labels.json(file)
        if not is_labelme(content):
            labels.left_out["JSON files that are not labelme's"] += 1
            continue
        name = PurePosixPath(folder, file.name).as_posix()
        photo_place = _place(root, name, content)
        size = labels.size(content.get("imageHeight"), content.get("imageWidth"), str(file), (root, photo_place))
        inside = partial(_embedded, file) if content.get("imageData") else None
        height, width = size or (None, None)
        photo = LabelledPhoto(photo_place, (), height, width, split, str(file), inside)
        yield photo, list(_areas(root, photo, content["shapes"], labels, file))


def _place(root: Path, name: str, content: Mapping[str, Any]) -> str:
    """Where the photo of a JSON file lies: as it says, else beside the file under its name, else by name alone."""
    folder, stem = PurePosixPath(name).parent, PurePosixPath(name).stem
    stated = str(content.get("imagePath") or "").replace("\\", "/")
    base = stated.rpartition("/")[2]
    places = [posixpath.normpath((folder / one).as_posix()) for one in (stated, base) if base]
    beside = [(folder / f"{stem}{suffix}").as_posix() for suffix in _suffixes(PurePosixPath(base).suffix)]
    last = (folder / (base or f"{stem}.jpg")).as_posix()
    return next((place for place in (*places, *beside) if is_file(root, place)), last)


def _suffixes(first: str) -> Iterator[str]:
    for suffix in dict.fromkeys([first.lower(), ".jpg", *sorted(PHOTO_SUFFIXES)]):
        if suffix in PHOTO_SUFFIXES:
            yield from (suffix, suffix.upper())


def _embedded(file: Path) -> bytes:
    """The photo that a JSON file holds."""
    try:
        return base64.b64decode(parse_loose_json(read_large(file), file)["imageData"])
    except (ValueError, TypeError, KeyError, binascii.Error) as error:
        raise RecycleError(
            f"{file}: its imageData is no photo: {error}", f"put the photo beside {file.name}"
        ) from error


def _own_photos(root: Path, found: list[tuple[LabelledPhoto, list[_Area]]]) -> list[tuple[LabelledPhoto, list[_Area]]]:
    """Files that name one photo, as copies do, go by their own names where there is a photo of each."""
    times = Counter(photo.name for photo, _ in found)
    chosen, strange = [], []
    for photo, areas in found:
        named = PurePosixPath(photo.name)
        beside = named.with_name(f"{Path(photo.origin).stem}{named.suffix}")
        if beside != named and is_file(root, beside.as_posix()):
            if times[photo.name] > 1:
                photo = replace(photo, name=beside.as_posix())
            else:
                strange.append(f"{Path(photo.origin).name} is of {named.name}")
        chosen.append((photo, areas))
    if strange:
        count = counted(len(strange), "file")
        log.warning(f"note: {count} named after another photo than imagePath, which counts: {strange[0]}")
    return chosen


def _areas(root: Path, photo: LabelledPhoto, shapes: Sequence[Any], labels: Labels, file: Path) -> Iterator[_Area]:
    """The labelled areas of a photo; all else is counted as left out."""
    for number, shape in enumerate(shapes, start=1):
        where = f"{file}: shape {number}"
        if not isinstance(shape, dict):
            labels.faults.append((where, "it is no object"))
            continue
        kind = str(shape.get("shape_type"))
        label = str(shape["label"]).strip() if shape.get("label") is not None else ""
        name = IGNORE_CATEGORY if label == LABELME_IGNORE else label
        if kind not in (*POLYGONS, *LABELME_BOXES, "circle", "mask"):
            labels.left_out[LABELME_SKIPPED.get(kind, f"shapes of kind {kind}")] += 1
        elif not name:
            labels.left_out["shapes without a label"] += 1
        else:
            group = shape.get("group_id")
            parted = None if group is None or kind in LABELME_BOXES else f"{group}"
            try:
                if kind == "mask":
                    area = Shape(name, rle=_mask(root, photo, shape), level=number)
                else:
                    area = Shape(name, [_outline(labels, where, kind, shape.get("points"))], level=number)
                yield _Area(area, kind == "rectangle", kind in ROTATED, parted)
            except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
                labels.faults.append((where, f"its {kind} cannot be used: {error}"))


def _outline(labels: Labels, where: str, kind: str, points: Any) -> Outline:
    if kind == "circle":
        (x, y), (at_x, at_y) = points[:2]
        radius = math.hypot(at_x - x, at_y - y)
        return labels.outline(ellipse(x, y, radius, radius), where)
    if kind in LABELME_BOXES and len(points) == 2:
        (left, top), (right, bottom) = points
        points = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return labels.outline(points, where)


def _mask(root: Path, photo: LabelledPhoto, shape: Mapping[str, Any]) -> Mapping[str, Any]:
    """The pixels of a mask in the photo: a PNG in base64 for the box that the two points span."""
    left, top = (int(value) for value in shape["points"][0])
    with png(base64.b64decode(shape["mask"])) as image:
        image.load()
        mask = np.zeros((image.height, image.width), bool)
        for rows, band in bands(image):
            values = np.asarray(band)
            mask[rows] = values.any(axis=2) if values.ndim == 3 else values != 0
    if photo.height and photo.width:
        height, width = photo.height, photo.width
    else:
        height, width = photo_size(resolve_file(root, photo.name))
    return placed(mask, left, top, height, width)


def _objects(areas: Sequence[_Area]) -> Iterator[Shape]:
    """The areas as objects: parts of one group are one, unless something else was drawn between them, over one."""
    objects: list[list[_Area]] = []
    open_ones: dict[tuple[str, str], list[_Area]] = {}
    for number, area in enumerate(areas):
        key = (area.shape.name, area.group or "")
        parts = open_ones.get(key) if area.group is not None and area.shape.rle is None else None
        if parts is not None and not _covered(parts, areas[:number]):
            parts.append(area)
            continue
        objects.append([area])
        if area.group is not None and area.shape.rle is None:
            open_ones[key] = objects[-1]
    for parts in objects:
        outlines = [outline for part in parts for outline in part.shape.outlines]
        yield replace(parts[-1].shape, outlines=outlines)


def _covered(parts: Sequence[_Area], before: Sequence[_Area]) -> bool:
    """Whether another class was drawn after a part and may lie over it."""
    return any(
        other.shape.name != part.shape.name
        and other.shape.level > part.shape.level
        and (other.shape.rle is not None or _touch(other.shape, part.shape))
        for other in before
        for part in parts
    )


def _touch(first: Shape, second: Shape) -> bool:
    """Whether the boxes of two shapes meet."""
    (a, b, c, d), (e, f, g, h) = _box(first), _box(second)
    return a <= g and e <= c and b <= h and f <= d


def _box(shape: Shape) -> tuple[float, float, float, float]:
    xs = [x for outline in shape.outlines for x in outline[::2]] or [0.0]
    ys = [y for outline in shape.outlines for y in outline[1::2]] or [0.0]
    return min(xs), min(ys), max(xs), max(ys)


def _count_unlabelled(root: Path, source: ShapeSource) -> None:
    """Count the photos beside labelled ones that no JSON file is of; masks and the like of one name are none."""
    known = {(root / place).with_suffix("") for place in source.places}
    for folder in {file.parent for file in known}:
        if folder.is_dir():
            photos = (file for file in folder.iterdir() if file.suffix.lower() in PHOTO_SUFFIXES)
            beside = {file.with_suffix("") for file in photos if not is_hidden(file.name)}
            if beside & known and (count := len(beside - known)):
                source.left_out[NO_JSON_FILE] += count


def _names(root: Path, folders: Sequence[str], labels: Labels) -> list[str]:
    """The classes in the order of the first table of labels that names one of them, then by name."""
    used = [name for name in sorted_names(labels.photos) if name != IGNORE_CATEGORY and not is_background(name)]
    places = dict.fromkeys(
        place for folder in folders for place in (root / folder, *(root / folder).parents) if place.is_relative_to(root)
    )
    for file in (place / name for place in places for name in LABELME_CLASS_FILES):
        if file.is_file():
            listed = [line for line in lines_of(file) if line != LABELME_IGNORE]
            if set(listed) & set(used):
                return list(dict.fromkeys([*listed, *used]))
    return used
