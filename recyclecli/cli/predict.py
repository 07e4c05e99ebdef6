"""`recycle predict`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from recyclecli.cli.options import Force, RunName

EXAMPLE = "Example: `recycle predict last photos --out predicted --submission submission.csv`"


def predict(
    run: RunName,
    images: Annotated[Path, typer.Argument(help="Folder of photos, COCO file, or one photo.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the masks and overlays.")],
    data: Annotated[
        Path | None, typer.Option("--data", help="Root of a COCO file's names.  [default: its own folder]")
    ] = None,
    post: Annotated[list[str] | None, typer.Option("--post", help="Post-processor; repeatable.")] = None,
    submission: Annotated[
        Path | None, typer.Option("--submission", help="Also write the contest's CSV: 256x256 labels.")
    ] = None,
    force: Force = False,
) -> None:
    """Predict photos: masks with a palette, overlays, a submission file."""
    from recyclecli.engine.runs import find_run
    from recyclecli.plugins import discover
    from recyclecli.recipe import resolve

    registry = discover()
    found = find_run(run)
    recipe = resolve(registry, found.recipe, {"post": post} if post else {})
    from recyclecli.engine import predict as engine

    photos = engine.find_photos(images, data)
    masks = engine.predict(registry, found, recipe, photos, out, submission, force)
    print(f"{len(masks)} photos: {out / 'masks'}, {out / 'overlays'}")
    if submission:
        print(f"submission: {submission}", file=sys.stderr)
