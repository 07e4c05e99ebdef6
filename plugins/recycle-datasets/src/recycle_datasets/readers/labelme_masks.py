"""The `labelme-masks` dataset: the folders that `labelme_json_to_dataset` writes, one a photo."""

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
from recycle_datasets.recognise.labelme_masks import LABELME_CLASS_LIST, LABELME_MASK, LABELME_PHOTO, find_folders
from recycle_datasets.shapes import ShapeSource
from recycle_datasets.splits import nearest_split
from recyclecli.types import DatasetContext, RecycleError


def open_labelme_masks(options: FilesOptions, context: DatasetContext) -> ShapeSource:
    """The photos `img.png`, each with the mask `label.png` beside it, whose numbers `label_names.txt` names from 0 on.

    Each photo has names of its own; classes stand by name, as labelme sorts them.

    Raises:
        RecycleError: see `ShapeSource`; no such folders.
    """
    labels = Labels(context.root)
    every: set[str] = set()
    for folder in find_folders(Tree(context.root)):
        names = lines_of(context.root / folder / LABELME_CLASS_LIST)
        every |= {*names}
        mask = f"{folder}/{LABELME_MASK}"
        try:
            values = numbers_of(resolve_file(context.root, mask))
        except RecycleError as error:
            labels.faults.append((mask, str(error.args[0])))
            continue
        shapes = []
        for value in np.unique(values).tolist():
            if value >= len(names):
                labels.faults.append((mask, f"it holds {value}, and {LABELME_CLASS_LIST} names {len(names)} classes"))
            elif not is_background(names[value]):
                shapes.append(Shape(names[value], rle=placed(values == value, 0, 0, *values.shape)))
        labels.photos.append(
            photo_of(f"{folder}/{LABELME_PHOTO}", shapes, None, nearest_split(PurePosixPath(folder)), mask)
        )
    return source(context, labels, "labelme", sorted(name for name in every if not is_background(name)))
