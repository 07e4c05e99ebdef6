"""`recycle data oversample`"""

from __future__ import annotations

from typing import Annotated

import typer

from recyclecli.cli.aug import show_made
from recyclecli.cli.options import (
    Data,
    Dataset,
    Device,
    Fold,
    Force,
    JsonPath,
    Mode,
    Out,
    Seed,
    Size,
    Strict,
    TrainJson,
    ValJson,
    Workers,
    data_root,
    data_settings,
)

EXAMPLE = "Example: `recycle data oversample --patch Battery --background Metal --num-output 500`"


def oversample(
    patch: Annotated[list[str], typer.Option("--patch", metavar="CLASS", help="Class to paste; repeatable.")],
    number: Annotated[int, typer.Option("--num-output", min=1, max=999_999, help="How many new photos.")],
    background: Annotated[
        list[str] | None,
        typer.Option("--background", metavar="CLASS", help="Paste on photos that show it; repeatable.  [default: all]"),
    ] = None,
    min_area: Annotated[int, typer.Option("--min-area", min=1, help="Smallest object to paste, in pixels.")] = 100,
    max_area: Annotated[
        int | None, typer.Option("--max-area", min=1, help="Largest object to paste, in pixels.")
    ] = None,
    objects: Annotated[int, typer.Option("--max-objects", min=1, max=64, help="Most objects for a photo.")] = 6,
    flip: Annotated[float, typer.Option("--flip", min=0, max=1, help="Probability of mirroring an object.")] = 0.5,
    elastic: Annotated[float, typer.Option("--elastic", min=0, max=1, help="Probability of bending a photo.")] = 0.5,
    mode: Mode = "add",
    data: Data = None,
    dataset: Dataset = "coco",
    json_path: JsonPath = None,
    fold: Fold = None,
    train_json: TrainJson = None,
    val_json: ValJson = None,
    out: Out = None,
    name: Annotated[str, typer.Option("--name", help="Of the set.")] = "oversample",
    size: Size = None,
    device: Device = "cpu",
    workers: Workers = None,
    strict: Strict = False,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Paste objects of rare classes on photos of chosen classes: new photos and a COCO file."""
    from recyclecli import api

    made = api.oversample(
        patch,
        number,
        background or (),
        data_settings(data, dataset, json_path, train_json, val_json, fold),
        {"min_area": min_area, "max_area": max_area, "max_objects": objects, "hflip": flip},
        {"p": elastic} if elastic else None,
        name,
        out=out,
        seed=seed,
        mode=mode,
        size=size,
        device=device,
        workers=workers,
        strict=strict,
        force=force,
    )
    show_made(made, mode, data_root(data), fold, train_json, val_json)
