"""The `coco` dataset."""

from pathlib import Path

from recycle_datasets import CocoOptions
from recyclecli.coco import CocoSource, find_annotation_file
from recyclecli.types import DatasetContext


def open_coco(options: CocoOptions, context: DatasetContext) -> CocoSource:
    """The photos of `context.split`, a COCO file, or of the whole source's file in the root.

    Raises:
        RecycleError: no folder, no annotation file, or one that cannot be used.
    """
    file = find_annotation_file(context.root) if context.split is None else context.root / Path(context.split)
    return CocoSource(context.root, file)
