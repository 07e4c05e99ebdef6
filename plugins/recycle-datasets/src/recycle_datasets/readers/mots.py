"""The `mots` dataset: MOTS PNG, photos with masks of 16 bits whose thousands are classes."""

from pathlib import PurePosixPath

import numpy as np
from recycle_coco import Tree, is_background, resolve_file

from recycle_datasets import FilesOptions
from recycle_datasets.bitmaps import placed
from recycle_datasets.folders import lines_of
from recycle_datasets.labels import Labels
from recycle_datasets.maskfile import numbers_of
from recycle_datasets.outlines import Shape
from recycle_datasets.readers.documents import photo_of, source
from recycle_datasets.recognise.mots import MOTS_CLASS_LIST, find_subsets
from recycle_datasets.shapes import ShapeSource
from recycle_datasets.splits import nearest_split
from recyclecli.types import DatasetContext, RecycleError

VALUES_PER_CLASS, IGNORED_VALUE = 1000, 10000  # values of a class; the value of pixels of no class


def open_mots(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos that have a mask in `instances`, in whose `labels.txt` the classes stand in their order from 0 on.

    A value is 1000 times the class, and the number of the object; 0 is the background, and 10000 ignored. Masks are of
    the photo as EXIF turns it. The folder above names the split.

    Raises:
        RecycleError: see `ShapeSource`; no such folders.
    """
    labels = Labels(context.root)
    names: dict[str, None] = {}
    for folder, pairs in find_subsets(Tree(context.root)).items():
        listed = lines_of(context.root / folder / MOTS_CLASS_LIST)
        names |= {name: None for name in listed if not is_background(name)}
        for photo, mask in pairs.items():
            try:
                values = numbers_of(resolve_file(context.root, mask))
            except RecycleError as error:
                labels.faults.append((mask, str(error.args[0])))
                continue
            shapes = []
            for value in np.unique(values).tolist():
                number = value // VALUES_PER_CLASS
                if not value or (number < len(listed) and is_background(listed[number])):
                    continue
                if value != IGNORED_VALUE and number >= len(listed):
                    labels.faults.append((mask, f"it holds {value}, and {MOTS_CLASS_LIST} names {len(listed)} classes"))
                    continue
                called = "ignore" if value == IGNORED_VALUE else listed[number]
                shapes.append(Shape(called, rle=placed(values == value, 0, 0, *values.shape)))
            labels.photos.append(photo_of(photo, shapes, None, nearest_split(PurePosixPath(folder)), mask))
    return source(context, labels, "the labelling tool", names)
