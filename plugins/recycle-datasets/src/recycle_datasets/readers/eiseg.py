"""The `eiseg` dataset: JSON files of EISeg (PaddleSeg), one for each photo."""

from pathlib import PurePosixPath

from recycle_coco import Tree

from recycle_datasets import FilesOptions
from recycle_datasets.labels import Labels, sorted_names
from recycle_datasets.outlines import Shape
from recycle_datasets.places import PhotoIndex
from recycle_datasets.readers.documents import documents, photo_of, source
from recycle_datasets.recognise.documents import dicts
from recycle_datasets.recognise.eiseg import is_eiseg, recognise
from recycle_datasets.shapes import ShapeSource
from recyclecli.types import DatasetContext


def open_eiseg(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of EISeg's JSON files, each called as its file; files without a polygon are left out.

    The polygon drawn last is on top. Classes stand in the order of their numbers. Outlines are of the photo as EXIF
    turns it.

    Raises:
        RecycleError: see `ShapeSource`; no such file, or no labelled area.
    """
    labels = Labels(context.root)
    places = PhotoIndex(Tree(context.root).photos)
    numbers: dict[str, int] = {}
    for name, content, split in documents(options, context, labels, recognise, "EISeg", is_eiseg):
        file, stem = context.root / name, PurePosixPath(name).stem
        shapes = []
        for level, one in enumerate(dicts(content)):
            called, number = str(one.get("name") or "").strip(), one.get("labelIdx")
            if called:
                numbers.setdefault(called, number if isinstance(number, int) else len(numbers))
                shapes.append(Shape(called, [labels.outline(one.get("points"), f"{file}, {level + 1}")], level=level))
            else:
                labels.left_out["polygons without a label"] += 1
        labels.photos.append(photo_of(places.by_any_stem(stem) or stem, shapes, None, split, str(file)))
    names = sorted(numbers, key=lambda called: numbers[called])
    return source(context, labels, "EISeg", [*names, *sorted_names(labels.photos)])
