"""The `coco` dataset."""

from pathlib import Path

from recycle_datasets import CocoOptions
from recyclecli.coco import CocoSource, find_annotation_files
from recyclecli.types import DatasetContext


def open_coco(options: CocoOptions, context: DatasetContext) -> CocoSource:
    """The photos of `context.split`, a COCO file, or of the whole source's files in the root.

    Raises:
        RecycleError: no folder, no annotation file, or one that cannot be used.
    """
    own = None if context.split is None else [context.root / Path(context.split)]
    return CocoSource(context.root, *(own or find_annotation_files(context.root)), crowds=options.crowds)
