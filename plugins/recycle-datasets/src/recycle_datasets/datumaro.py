"""The `datumaro` dataset: Datumaro's own JSON, format 1.0 and the one before, as CVAT and Geti write it too."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from recycle_coco import Tree, shape_fault

from recycle_datasets import DatumaroOptions
from recycle_datasets.folders import names_of
from recycle_datasets.labels import LabelledPhoto, Labels, json_of, merged
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recycle_datasets.recognise.datumaro import is_datumaro, recognise
from recycle_datasets.shapes import ShapeSource
from recycle_datasets.splits import nearest_split
from recyclecli.types import DatasetContext, RecycleError

DATUMARO_SKIPPED = {
    "bbox": "boxes",
    "rotated_bbox": "boxes",
    "label": "tags",
    "caption": "captions",
    "points": "points",
    "polyline": "lines",
    "cuboid_2d": "cuboids",
    "cuboid_3d": "cuboids",
}
MEDIA = ("video", "video_frame", "point_cloud")
DATUMARO_ELLIPSE_CORNERS = 64  # corners of an ellipse
MAX_Z_ORDER = 2**40  # of a z_order
APART = 2**20  # levels from one z_order to the next, for the order in the list


def open_datumaro(options: DatumaroOptions, context: DatasetContext) -> ShapeSource:
    """The photos of all subsets, those without an annotation too.

    Photos are looked for in `images/SUBSET/`, then in `images/`, by the item's path, or by its id where it has none.
    Objects are drawn by z_order, of equal ones the later over the earlier, as Datumaro crops covered segments.
    Polygons, masks and ellipses are areas. The size that is stated tells whether the photo was labelled turned, as EXIF
    says, or as it is stored; turned where both have that size, or none is stated. A subset called as a split is one.
    Classes are the labels in their order.

    Raises:
        RecycleError: see `ShapeSource`; no such file, none of Datumaro, or none with an area.
    """
    tree = Tree(context.root)
    files = options.files or names_of(tree, context, recognise, "files", "Datumaro", "annotations/default.json")
    places = PhotoIndex(tree.photos)
    labels = merged([_read(context.root, name, places) for name in files], context.root / files[0])
    labels.refuse_no_area("label polygons or masks; boxes, points and lines say nothing of single pixels")
    return ShapeSource(context.root, labels, context.drop_unreadable)


def _read(root: Path, name: str, places: PhotoIndex) -> Labels:
    """One subset. Items are let go of as they are read."""
    file, path = root / name, PurePosixPath(name)
    labels = Labels(file)
    content = json_of(file, "export it again")
    items = content.get("items") if is_datumaro(content) else None
    if not isinstance(items, list):
        raise RecycleError(f"{file} is no subset of Datumaro: it has no items", "export it again")
    labels.names = _classes(labels, content["categories"])
    split = nearest_split(path.with_suffix(""))
    own = path.parent.parent
    folders = [own / "images" / path.stem, own / "images", own / path.stem, own, path.parent]
    items.reverse()
    while items:
        item = items.pop()
        if isinstance(item, dict):
            _item(labels, item, places, folders, split)
    return labels


def _classes(labels: Labels, categories: Mapping[str, Any]) -> list[str]:
    given = categories.get("label")
    found = given.get("labels") if isinstance(given, dict) else None
    names = [one.get("name") if isinstance(one, dict) else one for one in (found if isinstance(found, list) else [])]
    if not all(isinstance(name, str) and name for name in names):
        labels.faults.append((f"{labels.file}: categories", "a label has no name"))
    return [str(name) for name in names]


def _item(
    labels: Labels, item: Mapping[str, Any], places: PhotoIndex, folders: Sequence[PurePosixPath], split: str
) -> None:
    if any(isinstance(item.get(kind), dict) for kind in MEDIA):
        labels.left_out["videos and point clouds"] += 1
        return
    image = item["image"] if isinstance(item.get("image"), dict) else {}
    stem, name = str(item.get("id", "")), str(image.get("path") or "").replace("\\", "/")
    found = places.exact(folders, name.lstrip("/")) or (not name and places.by_stem(folders, stem))
    size = image.get("size")
    where = f"{labels.file}: item {stem}"
    stated = size if isinstance(size, list) and len(size) == 2 else (None, None)
    height, width = labels.size(stated[0], stated[1], where) or (None, None)
    annotations = item.get("annotations")
    shapes: list[Shape] = []
    for number, one in enumerate(annotations if isinstance(annotations, list) else [], start=1):
        if isinstance(one, dict):
            shapes += _shapes(labels, f"{where}, annotation {number}", one, number, (height, width))
    labels.photos.append(LabelledPhoto(found or name or f"{stem}.jpg", shapes, height, width, split))


def _shapes(
    labels: Labels, where: str, one: Mapping[str, Any], number: int, size: tuple[int | None, int | None]
) -> Iterator[Shape]:
    """The labelled area of an annotation; all else is counted as left out."""
    kind, label = str(one.get("type")), one.get("label_id")
    if kind not in ("polygon", "mask", "ellipse"):
        labels.left_out[DATUMARO_SKIPPED.get(kind, f"annotations of type {kind}")] += 1
        return
    if label is None:
        labels.left_out["areas without a class"] += 1
        return
    if not isinstance(label, int) or not 0 <= label < len(labels.names):
        labels.faults.append((where, f"its label_id is {label!r}, and there are {len(labels.names)} labels"))
        return
    depth = one.get("z_order")
    level = int(depth) if isinstance(depth, int | float) and abs(depth) < MAX_Z_ORDER else 0
    level, name = level * APART + number, labels.names[label]
    if kind == "polygon":
        yield Shape(name, [labels.outline(one.get("points"), where)], level=level)
    elif kind == "ellipse":
        yield Shape(name, [_ellipse(labels, where, one.get("points"))], level=level)
    else:
        rle = one.get("rle")
        fault = _rle_fault(rle, size)
        if fault:
            labels.faults.append((where, fault))
        elif isinstance(rle, dict):
            yield Shape(name, rle={"size": rle["size"], "counts": rle["counts"]}, level=level)


def _ellipse(labels: Labels, where: str, points: Any) -> list[float]:
    """An ellipse by the upper left and the lower right corner of its box."""
    corners = labels.outline(points, where)
    if len(corners) != 4:
        labels.faults.append((where, "its ellipse is not given by two corners"))
        return []
    left, top, right, bottom = corners
    turns = (2 * math.pi * side / DATUMARO_ELLIPSE_CORNERS for side in range(DATUMARO_ELLIPSE_CORNERS))
    return [
        value
        for turn in turns
        for value in (
            (left + right + (right - left) * math.cos(turn)) / 2,
            (top + bottom + (bottom - top) * math.sin(turn)) / 2,
        )
    ]


def _rle_fault(rle: Any, size: tuple[int | None, int | None]) -> str:
    """Why a mask is no COCO RLE of the photo's size; "" where it is one."""
    own = rle.get("size") if isinstance(rle, dict) else None
    if not isinstance(own, list) or len(own) != 2 or not all(isinstance(side, int) and side > 0 for side in own):
        return "its mask is no RLE with a size"
    height, width = size if size[0] else own
    fault = shape_fault(rle, {"height": height, "width": width})
    return fault[1] if fault else ""
