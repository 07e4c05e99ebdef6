"""The `playment` dataset: jobs of Playment (GT Studio of TELUS) with polygons and masks of colours."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from recycle_coco import Tree, is_background, resolve_file

from recycle_datasets import FilesOptions
from recycle_datasets.bitmaps import placed
from recycle_datasets.labels import Labels
from recycle_datasets.maskfile import codes_of
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recycle_datasets.readers.documents import LINKED_MASKS, base_of, consumed, documents, photo_of, size_of, source
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.recognise.playment import answer_of, is_playment, recognise
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext, RecycleError

PLAYMENT_SKIPPED = {"rectangles": "boxes", "landmarks": "points", "lines": "lines", "cuboids": "cuboids"}
HEX_VALUE = re.compile(r"#[0-9A-Fa-f]{6}")
INSTANCE = re.compile(r"\s*#\s*\d+$")  # `car # 4` is the fourth car


def open_playment(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of Playment's jobs.

    Polygons are labelled areas, in shares of the photo as EXIF turns it, the smaller on top. A mask of colours is read
    where it lies beside, under the last part of its address; its legend names the colours, and those of one class are
    its objects. A photo is the last part of its address, else called as the JSON. Classes stand by name.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    places = PhotoIndex(Tree(context.root).photos)
    sizes: dict[str, tuple[int, int] | None] = {}
    for name, content, split in documents(options, context, labels, recognise, "Playment", is_playment):
        file = context.root / name
        for _, found in consumed(content if isinstance(content, list) else [content]):
            job, answer = answer_of(found)
            photo = base_of(job.get("image_url"))
            place = places.exact_base(photo) or places.by_any_stem(file.stem) or photo
            size = size_of(context.root, place, sizes) if place else None
            scale = (float(size[1]), float(size[0])) if size else (1.0, 1.0)
            shapes = list(_polygons(labels, f"{file}: {photo}", answer.get("polygons"), scale))
            shapes += _raster(context, labels, f"{file}: {photo}", answer.get("raster"), places)
            for kind, what in PLAYMENT_SKIPPED.items():
                if count := len(dicts(_data(answer.get(kind)))):
                    labels.left_out[what] += count
            labels.photos.append(photo_of(place or file.stem, shapes, None, split, str(file)))
    return source(context, labels, "Playment")


def _data(value: Any) -> Any:
    """A list of objects, also where it lies in `data`."""
    return value.get("data") if isinstance(value, Mapping) else value


def _polygons(labels: Labels, where: str, polygons: Any, scale: tuple[float, float]) -> Iterator[Shape]:
    for number, one in enumerate(dicts(_data(polygons)), start=1):
        points, name = one.get("coordinates") or one.get("points"), str(one.get("label") or "").strip()
        if isinstance(points, dict):  # p1, p2 ... in any order
            points = [points[key] for key in sorted(points, key=lambda key: (len(key), key))]
        if name:
            yield Shape(name, [labels.outline(points, f"{where}, polygon {number}", scale)])
        else:
            labels.left_out["polygons without a label"] += 1


def _raster(context: DatasetContext, labels: Labels, where: str, raster: Any, places: PhotoIndex) -> Iterator[Shape]:
    """The objects of a mask of colours."""
    data = _data(raster)
    legend = data.get("legend") if isinstance(data, dict) else None
    if not isinstance(legend, dict):
        return
    mask = places.exact_base(base_of(data.get("url")))
    if not mask:
        labels.left_out[LINKED_MASKS] += 1
        return
    try:
        codes = codes_of(resolve_file(context.root, mask))
    except RecycleError as error:
        labels.faults.append((where, str(error.args[0])))
        return
    for color, text in legend.items():
        name = INSTANCE.sub("", str(text)).strip()
        shown = codes == int(color[1:], 16) if HEX_VALUE.fullmatch(color) else np.zeros_like(codes, bool)
        if name and not is_background(name) and np.any(shown):
            yield Shape(name, rle=placed(np.asarray(shown), 0, 0, *codes.shape))
