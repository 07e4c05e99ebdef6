"""`recycle predict`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from recyclecli.cli.options import Force, Plain, Post, RunName, Tta, pipeline_option

EXAMPLE = "Example: `recycle predict last photos --out predicted --submission submission.csv`"


def predict(
    run: RunName,
    images: Annotated[Path, typer.Argument(help="Folder of photos, COCO file, or one photo.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the masks and overlays.")],
    data: Annotated[
        Path | None, typer.Option("--data", help="Root of a COCO file's names.  [default: its own folder]")
    ] = None,
    tta: Tta = None,
    post: Post = None,
    plain: Plain = False,
    submission: Annotated[
        Path | None, typer.Option("--submission", help="Also write the contest's CSV: 256x256 labels.")
    ] = None,
    force: Force = False,
) -> None:
    """Predict photos with the run's pipeline: masks with a palette, overlays, a submission file."""
    from recyclecli import api

    masks = api.predict(run, images, out, data, pipeline_option(tta, post, plain), submission, force)
    print(f"{len(masks)} photos: {out / 'masks'}, {out / 'overlays'}")
    if submission:
        print(f"submission: {submission}", file=sys.stderr)
