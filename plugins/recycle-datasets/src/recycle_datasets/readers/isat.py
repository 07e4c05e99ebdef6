"""The `isat` dataset: JSON files of ISAT (with Segment Anything), one for each photo."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recycle_coco import Tree, read_yaml

from recycle_datasets import FilesOptions
from recycle_datasets.labels import Labels, sorted_names
from recycle_datasets.outlines import Shape
from recycle_datasets.readers.documents import base_of, documents, photo_of, source
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.recognise.isat import is_isat, recognise
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext, RecycleError


def open_isat(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of ISAT's JSON files.

    Objects are drawn in the order of their layers, of one layer in that of the file, as ISAT's own converter does;
    `__background__` is drawn, too, and so takes out of what it lies on. Objects of one group are parts of one thing,
    which pixels do not show. Classes stand in the order of isat.yaml, else by name. The stated size tells whether the
    photo was labelled turned, as EXIF says, or as it is stored.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    for name, content, split in documents(options, context, labels, recognise, "ISAT", is_isat):
        file = context.root / name
        info = content["info"]
        size = labels.size(info.get("height"), info.get("width"), str(file))
        objects = dicts(content["objects"])
        layers = sorted(range(len(objects)), key=lambda place: (_layer(objects[place]), place))
        shapes = []
        for level, place in enumerate(layers):
            where = f"{file}, object {place + 1}"
            one = objects[place]
            called = str(one.get("category") or "").strip()
            if called:
                shapes.append(Shape(called, [labels.outline(one.get("segmentation"), where)], level=level))
            else:
                labels.left_out["objects without a category"] += 1
        labels.photos.append(photo_of(base_of(info.get("name")), shapes, size, split, str(file)))
    names = [*_classes(context.root)]
    return source(context, labels, "ISAT", [*names, *sorted_names(labels.photos)])


def _layer(one: dict[str, Any]) -> float:
    layer = one.get("layer")
    return float(layer) if isinstance(layer, int | float) and layer == layer else 0.0


def _classes(root: Path) -> Iterator[str]:
    """The labels of the first isat.yaml."""
    for name in Tree(root).named("isat.yaml"):
        try:
            content = read_yaml(root / name)
        except RecycleError:  # it would only tell an order
            continue
        for one in dicts(content.get("label") if isinstance(content, dict) else None):
            if one.get("name"):
                yield str(one["name"]).strip()
        return
