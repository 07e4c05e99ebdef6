"""`recycle data convert`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from recycle_data.cli.candidates import datasets, fixed, options_of
from recycle_data.cli.options import CrowdsOption, dataset_settings, root_and_file
from recyclecli.cli.options import Force
from recyclecli.errors import counted

LABEL_WORDS = {"coco": "annotation", "masks": "mask", "yolo": "line"}


def convert(
    src: Annotated[Path, typer.Argument(metavar="SRC", help="The data's root, or its annotation file.")],
    dst: Annotated[Path, typer.Argument(metavar="DST", help="Folder to write to.")],
    origin: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="F",
            help="Dataset component that reads SRC, or a layout: see `data import --list`.",
            autocompletion=datasets,
        ),
    ],
    form: Annotated[
        str,
        typer.Option("--to", metavar="F", help="coco, masks or yolo.", autocompletion=fixed(("coco", "masks", "yolo"))),
    ],
    split: Annotated[
        str | None, typer.Option("--split", help="Annotation file or split of SRC.  [default: all of it]")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "-o",
            metavar="KEY=VALUE",
            help="Option of the dataset component; repeatable.",
            autocompletion=options_of("dataset", "origin"),
        ),
    ] = None,
    polygons: Annotated[
        bool, typer.Option("--polygons", help="COCO polygons with holes instead of RLE, for tools that need them.")
    ] = False,
    crowds: CrowdsOption = None,
    force: Force = False,
) -> None:
    """Write photos and labels in another format: COCO, index masks (VOC, mmseg) or YOLO.

    Exit code 1 if the format cannot represent all regions; their number is printed.
    """
    from recycle_data import api

    settings = dataset_settings(option, crowds)
    src, split = root_and_file(src, split)
    done = api.convert(src, dst, origin, form, split, settings, polygons, force)
    left_out = f", {counted(done.left_out, 'region')} left out" if done.left_out else ""
    print(f"{counted(done.photos, 'photo')}, {counted(done.labels, LABEL_WORDS[form])}{left_out}", file=sys.stderr)
    print(done.file)
    if done.left_out:
        raise typer.Exit(1)
