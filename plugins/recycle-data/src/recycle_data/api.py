"""Labelled photos as functions: open, draw, check, count, group, split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recycle_data.workspace import in_workspace, split_of
from recycle_data.workspace import registry as registry
from recycle_data.workspace import workspace as workspace
from recyclecli.errors import RecycleError
from recyclecli.home import expanded

if TYPE_CHECKING:
    from recycle_data.check import LabelFault
    from recycle_data.convert import Converted
    from recycle_data.duplicates import Seen
    from recycle_data.exporting import ExportedLabels, Role, Tool
    from recycle_data.folds import Folds
    from recycle_data.importing import Imported
    from recycle_data.merging import Merged, Take
    from recycle_data.splits import Split
    from recycle_data.stats import Stats
    from recyclecli.types import Source

Place = str | Path


def path_of(place: Place) -> Path:
    """A path as people write it: `~/x` lies in the home folder.

    Raises:
        RecycleError: it is empty, and would mean the current folder.
    """
    if place == "":
        raise RecycleError("a path is empty", "name a file or folder; '.' is the current folder")
    return Path(expanded(str(place)))


def open_data(
    root: Place, json_path: str | None = None, dataset: str = "coco", options: Mapping[str, Any] = {}
) -> Source:
    """The labelled photos of a folder: `source.class_names`, `len(source)`, `record(i)`, `read(i)`."""
    from recycle_data.sources import open_source

    return open_source(registry(), path_of(root), json_path, dataset, options)


def sample(root: Place, images: int = 60, seed: int = 0, force: bool = False) -> Path:
    """Write the generated sample set to `root`; returns its annotation file."""
    from recycle_coco.paths import ANNOTATIONS_FILE

    from recycle_data.coco_folder import write_photos

    source = open_data(root, None, "sample", {"images": images, "seed": seed})
    return write_photos(source, path_of(root), ANNOTATIONS_FILE, force)


def check(root: Place, files: Mapping[str, Place]) -> list[LabelFault]:
    """Faults of COCO files ({split: file}) and their photos; see `recycle data check`."""
    from recycle_data.check import check_coco

    return check_coco(path_of(root), {split: path_of(file) for split, file in files.items()})


def layouts() -> dict[str, str]:
    """The layouts that are recognised, by name, with a description of each."""
    from recycle_data.recognise import layouts as known

    return known(registry())


def import_data(
    src: Place,
    out: Place | None,
    layout: str | None = None,
    options: Mapping[str, Any] = {},
    link: bool = False,
    force: bool = False,
    drop_unreadable: bool = False,
) -> Imported:
    """Convert a labelling tool's export to a COCO folder; see `recycle data import`."""
    from recycle_data.importing import import_data as import_export

    target = None if out is None else path_of(out)
    return import_export(registry(), path_of(src), target, layout, options, link, force, drop_unreadable)


def stats(root: Place, json_path: str | None = None, dataset: str = "coco", options: Mapping[str, Any] = {}) -> Stats:
    """Photos, objects and pixels of each class, and of each split."""
    from recycle_data.stats import folder_stats

    return folder_stats(registry(), path_of(root), json_path, dataset, options)


def seen(photos: Iterable[Place], among: Iterable[Place]) -> Seen:
    """Which photos are among others, under any name, size or quality.

    Args:
        photos: image files; those that cannot be read are among none.
        among: the others.
    """
    from recycle_data import duplicates
    from recycle_data.identity import files_identities

    return duplicates.seen(*(files_identities(map(Path, files)) for files in (photos, among)))


def groups(source: Source, group_by: str | None) -> list[int] | None:
    """The group of each photo, for intervals over groups; None for none. See `recycle data kfold --group-by`."""
    from recycle_data.groups import groups_of

    return None if group_by is None else [int(one) for one in groups_of(source, group_by)]


def export_labels(
    src: Place,
    out: Place,
    tool: Tool,
    dataset: str = "coco",
    options: Mapping[str, Any] = {},
    role: Role = "predictions",
    prefix: str = "",
    force: bool = False,
) -> ExportedLabels:
    """Write labels or predictions for a labelling tool; see `recycle data export`."""
    from recycle_data.exporting import export_labels as write_labels

    return write_labels(
        registry(),
        path_of(src),
        path_of(out),
        tool,
        dataset=dataset,
        options=options,
        role=role,
        prefix=prefix,
        force=force,
    )


def convert(
    src: Place,
    dst: Place,
    origin: str,
    form: str,
    split: str | None = None,
    options: Mapping[str, Any] = {},
    polygons: bool = False,
    force: bool = False,
) -> Converted:
    """Write photos and labels in another format: `coco`, `masks` or `yolo`; see `recycle data convert`."""
    from recycle_data.convert import convert as write

    return write(
        registry(),
        path_of(src),
        path_of(dst),
        origin,
        form,
        split=split,
        options=options,
        polygons=polygons,
        force=force,
    )


def merge(
    roots: Sequence[Place],
    out: Place,
    dataset: str = "coco",
    options: Mapping[str, Any] = {},
    take: Take | None = None,
    link: bool = False,
    force: bool = False,
) -> Merged:
    """Join sets of labelled photos into one COCO folder; see `recycle data merge`."""
    from recycle_data.merging import merge as join

    return join(registry(), [path_of(root) for root in roots], path_of(out), dataset, options, take, link, force)


def kfold(
    root: Place,
    n: int | None = None,
    seed: int = 0,
    group_by: str | None = None,
    json_path: str | None = None,
    dataset: str = "coco",
    out: Place | None = None,
    force: bool = False,
    options: Mapping[str, Any] = {},
    keep: Place | None = None,
) -> tuple[Folds, list[Path]]:
    """Split into n folds with every class evenly spread, and write them; returns folds and files.

    Photos of the folds.json `keep` stay in their folds, whose number n is then; without it n is 5 where it is None.
    """
    from recycle_data.folds import make_folds, write_folds
    from recycle_data.groups import groups_of, with_copies
    from recycle_data.output_folder import refuse_output_folder

    if out is not None and Path(out) != Path(root):  # the data's folder may be a link
        refuse_output_folder(Path(out))
    source = open_data(root, json_path, dataset, options)
    groups = with_copies(source, None if group_by is None else groups_of(source, group_by))
    kept = None
    if keep is not None:
        from recycle_data.extend_folds import kept_folds

        kept, groups, n = kept_folds(source, path_of(keep), groups, n)
    folds = make_folds(source, 5 if n is None else n, seed, groups, kept)
    return folds, write_folds(source, folds, path_of(out or root), seed, force, group_by)


@in_workspace
def split(settings: Mapping[str, Any] = {}, recipe: Place | None = None) -> Split:
    """The training and validation photos that `train` would use with these settings."""
    from recycle_data.resolve import resolve

    resolved = resolve(registry(), recipe, settings)
    return split_of(resolved.data, resolved.seed)
