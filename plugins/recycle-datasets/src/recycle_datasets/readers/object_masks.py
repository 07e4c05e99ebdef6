"""The `object-masks` dataset: photos in a folder each, with a mask for each object of one class."""

from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray
from recycle_coco import Tree, resolve_file

from recycle_datasets import FilesOptions
from recycle_datasets.bitmaps import placed
from recycle_datasets.labels import UNNAMED_CLASS, Labels
from recycle_datasets.maskfile import numbers_of
from recycle_datasets.outlines import Shape
from recycle_datasets.readers.documents import NOBODY_LABELLED, photo_of, source
from recycle_datasets.recognise.object_masks import find_objects
from recycle_datasets.shapes import ShapeSource
from recycle_datasets.splits import nearest_split
from recyclecli.types import DatasetContext, RecycleError


def open_object_masks(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos of NAME/images/NAME.png, with the masks of NAME/masks; those without a mask are left out.

    A mask is drawn where it is not 0. All objects are of the class `object`. Masks are of the photo as EXIF turns it.

    Raises:
        RecycleError: see `ShapeSource`; no such folders.
    """
    labels = Labels(context.root)
    for photo, masks in find_objects(Tree(context.root)).items():
        if not masks:
            labels.left_out[NOBODY_LABELLED] += 1
            continue
        shapes = []
        for mask in masks:
            try:
                drawn: NDArray[np.bool_] = numbers_of(resolve_file(context.root, mask)) != 0
            except RecycleError as error:
                labels.faults.append((mask, str(error.args[0])))
                continue
            if drawn.any():
                shapes.append(Shape(UNNAMED_CLASS, rle=placed(drawn, 0, 0, *drawn.shape)))
        labels.photos.append(photo_of(photo, shapes, None, nearest_split(PurePosixPath(photo).parent), masks[0]))
    return source(context, labels, "the labelling tool", [UNNAMED_CLASS])
