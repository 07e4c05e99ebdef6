"""`recycle export`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from recycle_engine.cli.options import RunName

from recyclecli.cli.options import AsJson, Force
from recyclecli.errors import counted


def export(
    run: RunName,
    form: Annotated[Literal["onnx"], typer.Option("--format", help="What to write.")] = "onnx",
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder to write.  [default: export/ in the run's folder]")
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(
            "--photos",
            metavar="IMAGES",
            help="Photos to compare with torch on.  [default: 8 of the run's validation photos]",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Where the run's data lies now; with --photos the root of a COCO file's names."),
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Export the run's best weights with a card and a script that runs them without recyclecli."""
    from recycle_export import api

    print(f"exporting to {form}, then comparing with torch", file=sys.stderr)
    done = api.export(run, out, photos, data, force)
    if as_json:
        import json

        print(json.dumps(done.as_dict(), ensure_ascii=False))
        return
    print(f"model   {done.model}")
    print(f"card    {done.card}")
    print(f"script  {done.script}")
    print(f"opset {done.opset}, image {' x '.join(map(str, done.shape))}")
    print(
        f"{done.agreement:.4%} of the pixels of {counted(done.photos, 'photo')} as with torch; "
        f"logits differ by {done.largest_difference:.2g} at most"
    )
