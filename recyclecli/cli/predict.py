"""`recycle predict`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from recyclecli.cli.groups import Running, Written, flat
from recyclecli.cli.options import Plain, Post, RunName, Tta, Window, pipeline_option
from recyclecli.errors import RecycleError
from recyclecli.reading import read_text


@flat
def predict(
    run: RunName,
    written: Written,
    running: Running,
    images: Annotated[
        list[Path] | None, typer.Argument(metavar="[IMAGES]...", help="Folder, pattern, COCO file, or photos.")
    ] = None,
    names: Annotated[
        Path | None,
        typer.Option("--list", metavar="FILE", help="Text file of photos, a path a line, in order; - is stdin."),
    ] = None,
    tta: Tta = None,
    post: Post = None,
    window: Window = 0,
    plain: Plain = False,
) -> None:
    """Predict photos with the run's pipeline: masks with a palette, overlays, a submission file.

    What was interrupted goes on where it was when the same command is typed again. Photos that
    cannot be read are named and left out; then the exit code is 1, but not with --unreadable background.
    """
    from recyclecli import api

    if bool(images) == bool(names):
        raise RecycleError(
            "photos are named twice: as IMAGES and with --list" if names else "no photos are named",
            "give one of them" if names else "recycle predict RUN photos --out predicted, or --list FILE",
        )
    chosen = pipeline_option(tta, post, plain, window)
    options = {"pipeline": chosen, **written.keywords, **running.keywords}
    if images:
        written.tell(api.predict(run, images, **options))
        return
    assert names is not None
    lines = sys.stdin.read() if str(names) == "-" else read_text(names)
    written.tell(api.predict_listed(run, lines.split("\n"), folder=names.parent, **options))
