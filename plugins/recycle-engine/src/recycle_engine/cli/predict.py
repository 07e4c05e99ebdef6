"""`recycle predict`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from recycle_data.workspace import in_workspace

from recycle_engine.cli.groups import InferenceArgs, OutputArgs, expand_groups
from recycle_engine.cli.named_photos import NamesOption, predicted
from recycle_engine.cli.options import Plain, Post, RunName, Tta, WindowOption, pipeline_option


@expand_groups
@in_workspace
def predict(
    run: RunName,
    written: OutputArgs,
    running: InferenceArgs,
    images: Annotated[
        list[Path] | None, typer.Argument(metavar="[IMAGES]...", help="Folder, pattern, COCO file, or photos.")
    ] = None,
    names: NamesOption = None,
    tta: Tta = None,
    post: Post = None,
    window: WindowOption = 0,
    plain: Plain = False,
) -> None:
    """Predict photos: masks with a palette, overlays, COCO, a submission file.

    The same command continues after an interruption. Photos that cannot be read are named and skipped;
    the exit code is then 1, unless --unreadable is given.
    """
    chosen = pipeline_option(tta, post, plain, window)
    written.tell(predicted(run, images, names, {"pipeline": chosen, **written.keywords, **running.keywords}))
