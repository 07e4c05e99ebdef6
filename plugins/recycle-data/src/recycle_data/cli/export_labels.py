"""`recycle data export`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from recycle_data.cli.options import Dataset, DatasetOption, dataset_settings
from recyclecli.cli.options import Force
from recyclecli.errors import counted


def export(
    src: Annotated[
        Path, typer.Argument(metavar="SRC", help="Data folder, or a COCO file, for example from predict --save coco.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write to.")],
    tool: Annotated[Literal["cvat", "label-studio"], typer.Option("--to", help="The labelling tool.")],
    dataset: Dataset = "coco",
    option: DatasetOption = None,
    role: Annotated[
        Literal["predictions", "annotations"],
        typer.Option("--role", help="Label Studio: predictions to correct, or finished annotations."),
    ] = "predictions",
    prefix: Annotated[
        str,
        typer.Option("--prefix", help="Label Studio: prefix of a photo's name in its URL.  [default: local files]"),
    ] = "",
    force: Force = False,
) -> None:
    """Write labels for CVAT or Label Studio, so that people correct them there."""
    from recycle_data import api

    done = api.export_labels(src, out, tool, dataset, dataset_settings(option), role, prefix, force)
    print(f"{counted(done.photos, 'photo')}, {counted(done.objects, 'object')}", file=sys.stderr)
    for file in done.files:
        print(file)
