"""`recycle data sample`"""

from __future__ import annotations

from typing import Annotated

import typer

from recycle_data.cli.options import Data, data_root
from recyclecli.cli.options import Force, Seed


def sample(
    data: Data = None,
    images: Annotated[int, typer.Option("--num", min=2, help="Number of photos.")] = 60,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Write generated sample photos with annotations.json (COCO)."""
    from recycle_data import api

    print(api.sample(data_root(data), images, seed, force))
