"""The `encord` dataset: label rows of Encord with polygons and bitmasks."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from recycle_coco import Tree, decode, shape_fault

from recycle_datasets import FilesOptions
from recycle_datasets.areas import is_number
from recycle_datasets.bitmaps import placed
from recycle_datasets.labels import Labels
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recycle_datasets.readers.documents import VIDEOS_AND_DOCUMENTS, base_of, consumed, documents, photo_of, source
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.recognise.encord import is_encord, recognise
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext

ENCORD_SKIPPED = {"bounding_box": "boxes", "rotatable_bounding_box": "boxes", "point": "points", "polyline": "lines",
          "skeleton": "keypoints", "cuboid": "cuboids"}  # fmt: skip


def open_encord(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of Encord's label rows, single images and those of image groups.

    Polygons (of one outline, or of several rings, the first the outline, the others holes) in shares of the photo's
    sides, and bitmasks (a COCO RLE of their own box) are labelled areas. Encord keeps no order of drawing: the smaller
    is on top. Classes are the names of objects, by name. The stated size tells whether the photo was labelled turned,
    as EXIF says, or as it is stored.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    places = PhotoIndex(Tree(context.root).photos)
    for name, content, split in documents(options, context, labels, recognise, "Encord", is_encord):
        file = context.root / name
        for _, row in consumed(content if isinstance(content, list) else [content]):
            units = row.get("data_units")
            for unit in units.values() if isinstance(units, dict) else ():
                if isinstance(unit, dict):
                    _unit(labels, str(file), row, unit, split, context.root, places)
    return source(context, labels, "Encord")


def _unit(
    labels: Labels,
    file: str,
    row: Mapping[str, Any],
    unit: Mapping[str, Any],
    split: str,
    root: Path,
    places: PhotoIndex,
) -> None:
    """One photo of a label row."""
    photo = str(unit.get("data_title") or row.get("data_title") or "")
    found = unit.get("labels")
    if not str(unit.get("data_type", "image")).startswith("image") or "data_fps" in unit:
        labels.left_out[VIDEOS_AND_DOCUMENTS] += 1
        return
    where, place = f"{file}: {photo}", places.exact_base(base_of(photo))
    size = labels.size(unit.get("height"), unit.get("width"), where, (root, place) if place else None)
    shapes: list[Shape] = []
    if place == "" and size is not None:
        size = (1, 1)  # of a photo that is not there, which is counted
    for number, one in enumerate(dicts(found.get("objects") if isinstance(found, dict) else None), start=1):
        shapes += _shapes(labels, f"{where}, object {number}", one, size)
    labels.photos.append(photo_of(place or photo, shapes, size, split, file))


def _shapes(labels: Labels, where: str, one: Mapping[str, Any], size: tuple[int, int] | None) -> Iterator[Shape]:
    """The labelled area of an object; all else is counted as left out."""
    kind, name = str(one.get("shape")), str(one.get("name") or one.get("value") or "").strip()
    if kind not in ("polygon", "bitmask"):
        labels.left_out[ENCORD_SKIPPED.get(kind, f"objects of shape {kind}")] += 1
    elif not name or size is None:
        labels.faults.append((where, "it names no class" if size else "its photo states no size"))
    elif kind == "polygon":
        for outline, *holes in _polygons(one):
            rings = [labels.outline(ring, where, (size[1], size[0])) for ring in (outline, *holes)]
            yield Shape(name, rings[:1], rings[1:])
    else:
        try:
            yield Shape(name, rle=_bitmask(one.get("bitmask"), *size))
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            labels.faults.append((where, f"its bitmask cannot be used: {error}"))


def _polygons(one: Mapping[str, Any]) -> Iterator[list[Any]]:
    """The parts of a polygon, each an outline with its holes."""
    parts = one.get("polygons")
    if isinstance(parts, list) and parts:
        for part in parts:
            if isinstance(part, list) and part:
                yield [part] if isinstance(part[0], int | float) else part
        return
    points = one.get("polygon")
    if isinstance(points, dict):
        order = sorted(points, key=lambda key: (not is_number(str(key)), int(key) if is_number(str(key)) else 0))
        yield [[points[key] for key in order]]
    else:
        yield [points]


def _bitmask(mask: Any, height: int, width: int) -> Mapping[str, Any]:
    down, across = (int(mask.get(key) or side) for key, side in (("height", height), ("width", width)))
    rle = {"size": [down, across], "counts": mask["rleString"]}
    fault = shape_fault(rle, {"height": down, "width": across})
    if fault or not down * across > 0 or down > height or across > width:
        raise ValueError(fault[1] if fault else f"a box of {across}x{down}")
    left, top = (int(mask.get(key) or 0) for key in ("left", "top"))
    return placed(np.asarray(decode(rle)), left, top, height, width)
