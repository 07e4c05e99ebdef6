"""The `class-masks` dataset: for each photo a mask of each class, which is called as the class."""

from collections import Counter
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from recycle_coco import Tree, is_background, resolve_file

from recycle_datasets import FilesOptions
from recycle_datasets.bitmaps import placed
from recycle_datasets.labels import Labels, sorted_names
from recycle_datasets.maskfile import numbers_of
from recycle_datasets.outlines import Shape
from recycle_datasets.readers.documents import photo_of, source
from recycle_datasets.recognise.class_masks import find_masks
from recycle_datasets.shapes import ShapeSource
from recycle_datasets.splits import nearest_split
from recyclecli.types import DatasetContext, RecycleError

NO_MASK_OF_ANY_CLASS = "photos without a mask of any class"


def open_class_masks(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos with masks of one class each, in folders called as the classes, or with the class in their names.

    A mask is drawn where it is not 0; one that holds more than two values is refused. Of overlapping classes the
    smaller area is on top. Masks are of the photo as EXIF turns it. Classes stand by name; photos without any mask are
    background where others have masks.

    Raises:
        RecycleError: see `ShapeSource`; no such masks.
    """
    found = find_masks(Tree(context.root))
    if found is None:
        raise RecycleError(
            f"{context.root} holds no masks of one class each", "name them as masks/Paper/1.png, or as 1_Paper.png"
        )
    labels = Labels(context.root)
    shared: Counter[tuple[str, str]] = Counter()
    for photo, masks in found[1].items():
        shapes = []
        areas: dict[str, NDArray[np.bool_]] = {}
        for name, mask in masks.items():
            try:
                drawn = _drawn(resolve_file(context.root, mask))
            except RecycleError as error:
                labels.faults.append((photo, str(error.args[0])))
                continue
            if drawn.any() and not is_background(name):
                alike = [other for other, area in areas.items() if _is_same(area, drawn)]
                shared.update((other, name) for other in alike)
                areas[name] = drawn
                shapes.append(Shape(name, rle=placed(drawn, 0, 0, *drawn.shape)))
        split = nearest_split(PurePosixPath(photo).parent)
        labels.photos.append(photo_of(photo, shapes, None, split, ""))
    for (first, second), count in shared.items():
        if count * 2 > len(labels.photos):
            raise RecycleError(
                f"{context.root}: masks called {first} and {second} show the same in {count} of {len(labels.photos)} "
                "photos: they are not of two classes, but two masks of one thing",
                f"move those called {second} out of the folder; the others are read as --as mask-folder",
            )
    names = sorted({name for masks in found[1].values() for name in masks} | {*sorted_names(labels.photos)})
    return source(context, labels, "the labelling tool", names)


def _is_same(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> bool:
    """Whether two masks share more than half of what both show."""
    if first.shape != second.shape:
        return False
    return bool(np.count_nonzero(first & second) * 2 > np.count_nonzero(first | second))


def _drawn(file: Path) -> NDArray[np.bool_]:
    """The pixels of a mask of one class.

    Raises:
        RecycleError: it holds more than two values, or cannot be read.
    """
    numbers = numbers_of(file)
    values = np.unique(numbers)
    if len(values) > 2:
        raise RecycleError(
            f"mask {file} holds {len(values)} values, and a mask of one class holds two",
            "if its values are classes: --as mask-folder",
        )
    drawn: NDArray[np.bool_] = numbers != 0
    return drawn
