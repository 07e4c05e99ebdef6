"""`recycle data import`: what a labelling tool exported, as a COCO folder."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Any

from recycle_coco.misplaced import misplaced
from recycle_coco.paths import copy_beside, photos_below

from recycle_data.box_outlines import box_share
from recycle_data.check.source import content_of
from recycle_data.foreground import refuse_nothing
from recycle_data.importing.usable import open_usable
from recycle_data.importing.write import WrittenDataset, parts_of, write
from recycle_data.optional import left_out_of
from recycle_data.output_folder import refuse_output_folder
from recycle_data.recognise import LayoutMatch, folder_of, recognise
from recycle_data.sources import open_source
from recyclecli.errors import RecycleError, counted
from recyclecli.plugins import Registry
from recyclecli.types import Source

log = logging.getLogger("recycle.data")


@dataclass(frozen=True, slots=True)
class Imported:
    """What was found, and written except in a dry run.

    Attributes:
        taken: the layout that the labels were read as.
        passed: other layouts that fit less well.
        class_names: K names by label.
        splits: photos of each split that the export names; none where it names none.
        photos: how many.
        objects: annotations that were written; None after a dry run.
        files: annotation files that were written, the whole set's or the training photos' first.
        left_out: what the export holds besides, to how many.
    """

    taken: LayoutMatch
    passed: tuple[LayoutMatch, ...]
    class_names: tuple[str, ...]
    splits: Mapping[str, int]
    photos: int
    objects: int | None
    files: tuple[Path, ...]
    left_out: Mapping[str, int]


def import_data(
    registry: Registry,
    src: Path,
    out: Path | None,
    layout: str | None = None,
    options: Mapping[str, Any] = {},
    link: bool = False,
    force: bool = False,
    drop_unreadable: bool = False,
) -> Imported:
    """Read `src` as what it looks like, which is logged, and write its photos and labels to `out` as COCO.

    Args:
        registry: the installed components.
        src: what the tool exported: a folder, or one annotation file in it.
        out: folder to write to; None for a dry run.
        layout: name of the layout, or of the dataset component, where several fit.
        options: settings of the component, before those that were recognised.
        link: link the photos rather than copy them.
        force: replace what was written there.
        drop_unreadable: leave out photos and labels that cannot be read, and count them.

    Raises:
        RecycleError: nothing or several layouts are recognised, the labels cannot be used, no photo shows a class,
            or a file exists.
    """
    taken, passed = recognise(registry, src, layout, stated=bool(options))
    taken = replace(taken, layout=replace(taken.layout, options={**taken.layout.options, **options}))
    folder = folder_of(src)
    root = folder / taken.layout.root
    for line in _said(taken, passed, folder):
        log.info(line)
    if out is not None:
        refuse_output_folder(out)
        if out.resolve().is_relative_to(folder.resolve()):
            beside = quote(str(copy_beside(folder.resolve())))
            raise RecycleError(
                f"{out} lies in the folder that is imported, and would be taken for a part of the export",
                f"name a folder beside it: recycle data import {quote(str(src))} {beside}",
            )
    again = f"recycle data import {quote(str(src))} {quote(str(out or 'OUT'))} --drop-unreadable"

    def opened(drop: bool) -> Source:
        return open_source(
            registry, root, None, taken.offer.qualified, taken.layout.options, tell=False, drop_unreadable=drop
        )

    source = open_usable(opened, drop_unreadable, again)
    refuse_nothing(source, f"photo of {root}", option="values")
    if wrong := misplaced(content_of(source)):
        log.warning(f"warning: {root}: {wrong}: labelled on photos of another size?")
    if boxes := box_share(one.segmentation for index in range(len(source)) for one in source.record(index).annotations):
        log.warning(
            f"note: rectangles: {boxes}; boxes that were exported as polygons do not say which pixels are an object's"
        )
    parts = parts_of(source)
    left_out = Counter(left_out_of(source))
    written = WrittenDataset(0, (), Counter()) if out is None else write(source, out, taken, root, parts, link, force)
    return Imported(
        taken,
        tuple(passed),
        source.class_names,
        {split: len(photos) for split, photos in parts.items() if split},
        len(source),
        written.objects if out is not None else None,
        written.files,
        left_out + written.left_out,
    )


def _said(taken: LayoutMatch, passed: list[LayoutMatch], folder: Path) -> Iterator[str]:
    """What the labels are taken for, and what they might be taken for, too, also of other photos."""
    there = f" in {taken.layout.root}" if taken.layout.root else ""
    yield f"taken for {taken.layout.name}, {taken.title}{there}: {taken.layout.why}"
    for other in passed:
        how = f"; --as {other.layout.name} takes it" if other.layout.name != taken.layout.name else ""
        yield f"passed over: {other.layout.name}: {other.layout.why}{how}"
    if not passed or not taken.layout.root:
        return
    others = [photo for photo in photos_below(folder) if not photo.is_relative_to(folder / taken.layout.root)]
    if others:
        yield (
            f"outside of {taken.layout.root}, and not taken: {counted(len(others), 'picture')}, "
            f"as {others[0].relative_to(folder).as_posix()}: import each, and join them: recycle data merge A B --out C"
        )
