"""`recycle data oversample`"""

from __future__ import annotations

from typing import Annotated

import typer
from recycle_data.workspace import in_workspace

from recycle_engine.cli.aug import show_made
from recycle_engine.cli.groups import DatasetArgs, OfflineArgs, expand_groups


@expand_groups
@in_workspace
def oversample(
    *,
    patch: Annotated[list[str], typer.Option("--patch", metavar="CLASS", help="Class to paste; repeatable.")],
    number: Annotated[int, typer.Option("--num", min=1, max=999_999, help="Number of new photos.")],
    background: Annotated[
        list[str] | None,
        typer.Option(
            "--background", metavar="CLASS", help="Paste on photos that show this class; repeatable.  [default: all]"
        ),
    ] = None,
    min_area: Annotated[int, typer.Option("--min-area", min=1, help="Smallest object to paste, in pixels.")] = 100,
    max_area: Annotated[
        int | None, typer.Option("--max-area", min=1, help="Largest object to paste, in pixels.")
    ] = None,
    objects: Annotated[
        int, typer.Option("--max-objects", min=1, max=64, help="Largest number of objects per photo.")
    ] = 6,
    flip: Annotated[float, typer.Option("--flip", min=0, max=1, help="Probability of flipping an object.")] = 0.5,
    elastic: Annotated[
        float, typer.Option("--elastic", min=0, max=1, help="Probability of an elastic deformation of the photo.")
    ] = 0.5,
    trained: DatasetArgs,
    making: OfflineArgs,
) -> None:
    """Write new photos with objects of rare classes pasted on photos of chosen classes."""
    from recycle_engine import api

    pasting = {"min_area": min_area, "max_area": max_area, "max_objects": objects, "hflip": flip}
    bending = {"p": elastic} if elastic else None
    made = api.oversample(patch, number, background or (), trained.settings, pasting, bending, **making.keywords)
    show_made(made, trained, making)
