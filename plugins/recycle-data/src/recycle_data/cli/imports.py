"""`recycle data import`"""

from __future__ import annotations

import shlex
import shutil
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recycle_data.cli.candidates import layouts, options_of
from recycle_data.cli.options import dataset_settings
from recyclecli.cli.options import AsJson, Force
from recyclecli.errors import counted

if TYPE_CHECKING:
    from recycle_data.importing import Imported


def import_(
    src: Annotated[
        Path | None, typer.Argument(metavar="SRC", help="The export: a folder, or its annotation file.")
    ] = None,
    out: Annotated[Path | None, typer.Argument(metavar="OUT", help="Folder to write to.")] = None,
    layout: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="LAYOUT",
            help="Read it as this layout, if several fit.",
            autocompletion=layouts,
        ),
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="Print the layouts that are recognised, and exit.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read everything, write nothing.")] = False,
    link: Annotated[bool, typer.Option("--link", help="Link photos instead of copying them.")] = False,
    drop_unreadable: Annotated[
        bool,
        typer.Option("--drop-unreadable", help="Skip and count photos and labels that cannot be read."),
    ] = False,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "-o",
            metavar="KEY=VALUE",
            help="Option of the dataset component; repeatable.",
            autocompletion=options_of("dataset", "origin"),
        ),
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Convert a labelling tool's export, which is recognised, to a COCO folder.

    Splits of the export become train.json, val.json and test.json; everything else becomes train_all.json.
    """
    from recycle_data import api
    from recyclecli.errors import RecycleError, join_limited

    if listing:
        _print_layouts(api.layouts())
        return
    if src is None or (out is None and not dry_run):
        raise RecycleError(
            "SRC and OUT are needed: what was exported, and a folder to write to",
            f"recycle data import {'EXPORT' if src is None else shlex.quote(str(src))} data",
        )
    done = api.import_data(
        src,
        None if dry_run else out,
        layout,
        dataset_settings(option),
        link=link,
        force=force,
        drop_unreadable=drop_unreadable,
    )
    if as_json:
        _print_json(done)
        return
    for what, count in done.left_out.items():
        print(f"left out: {what}: {count:,}", file=sys.stderr)
    splits = ", ".join(f"{count} {split}" for split, count in done.splits.items())
    objects = "" if done.objects is None else f", {counted(done.objects, 'object')}"
    print(f"{counted(done.photos, 'photo')}{f' ({splits})' if splits else ''}{objects}", file=sys.stderr)
    print(f"{counted(len(done.class_names), 'class')}: {join_limited(done.class_names, 20)}", file=sys.stderr)
    if out is None or dry_run:
        return
    for file in done.files:
        print(file)
    if link:
        print("the photos are links: what changes the originals changes this set", file=sys.stderr)
    print(f"next: recycle data check --data {shlex.quote(str(out))}", file=sys.stderr)


def _print_layouts(layouts: Mapping[str, str]) -> None:
    """Names and descriptions in two columns, as wide as the terminal."""
    width = max(map(len, layouts)) + 2
    room = max(40, shutil.get_terminal_size().columns)
    for name, text in layouts.items():
        print(textwrap.fill(text, room, initial_indent=name.ljust(width), subsequent_indent=" " * width))


def _print_json(done: Imported) -> None:
    import json

    print(
        json.dumps(
            {
                "layout": done.taken.layout.name,
                "component": done.taken.offer.qualified,
                "why": done.taken.layout.why,
                "root": done.taken.layout.root,
                "passed_over": [other.layout.name for other in done.passed],
                "classes": done.class_names,
                "splits": done.splits,
                "photos": done.photos,
                "objects": done.objects,
                "files": [str(file) for file in done.files],
                "left_out": done.left_out,
            },
            ensure_ascii=False,
        )
    )
