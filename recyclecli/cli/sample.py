"""`recycle data sample`"""

from __future__ import annotations

from typing import Annotated

import typer

from recyclecli.cli.options import Data, Force, Seed, data_root


def sample(
    data: Data = None,
    images: Annotated[int, typer.Option("--images", min=2, help="How many photos.")] = 60,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Write the embedded sample set: photos and annotations.json in COCO form."""
    from recyclecli import api

    print(api.sample(data_root(data), images, seed, force))
