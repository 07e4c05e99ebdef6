"""The `coco` dataset."""

from pathlib import Path

from recycle_coco import CocoSource, Tree, find_annotation_files

from recycle_datasets import CocoOptions
from recycle_datasets.coco_export import read_export
from recycle_datasets.coco_faults import all_faults
from recycle_datasets.recognise.coco import recognise
from recyclecli.types import DatasetContext, RecycleError


def open_coco(options: CocoOptions, context: DatasetContext) -> CocoSource:
    """The photos of `context.split`, a COCO file or its name without .json, or of the whole source's files in the root.

    Where none is called as usual, those that are recognised are read as an export, as `options.files` are.

    Raises:
        RecycleError: no folder, no annotation file, or one that cannot be used; see `read_export`.
    """
    if context.split is not None:
        named = context.root / Path(context.split)
        own = context.root / f"{context.split}.json"
        return CocoSource(context.root, own if own.is_file() and not named.is_file() else named, crowds=options.crowds)
    if options.files:
        return _exported(context, options)
    try:
        files = find_annotation_files(context.root)
    except RecycleError:
        found = list(recognise(Tree(context.root))) if context.root.is_dir() else []
        if len(found) != 1:
            raise
        above = f"{found[0].root}/" if found[0].root else ""
        names = tuple(above + name for name in found[0].options["files"])
        return _exported(context, options.model_copy(update={"files": names}))
    return CocoSource(context.root, *files, crowds=options.crowds)


def _exported(context: DatasetContext, options: CocoOptions) -> CocoSource:
    root = context.root
    export = read_export(root, options.files, context.drop_unreadable)
    try:
        source = CocoSource(root, export.file, crowds=options.crowds, content=export.content)
    except RecycleError as error:
        raise all_faults(export.file, export.content, error) from error
    source.splits = export.splits
    source.left_out = export.left_out
    return source
