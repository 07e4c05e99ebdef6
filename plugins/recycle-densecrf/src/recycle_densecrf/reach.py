"""How far a lattice reaches, and whether a code can hold it."""

import math

import numpy as np
from numpy.typing import NDArray

from recyclecli.types import RecycleError

BITS = 60  # of a code, for all q of a vertex


def check_reach(image: NDArray[np.uint8], dims: int, per_pixel: float, per_level: float) -> None:
    """Raise RecycleError where the positions of a photo lie so far apart that codes would run over.

    Args:
        image: (H, W, 3) uint8.
        dims: 2 or 5, see `recycle_densecrf.lattice`.
        per_pixel: what x and y are multiplied with.
        per_level: what the colours are multiplied with.
    """
    largest = [image.shape[1] * per_pixel, image.shape[0] * per_pixel, *[255 * per_level] * 3][:dims]
    factors = [math.sqrt(2 / 3) / math.sqrt((i + 2) * (i + 1)) for i in range(dims)]
    farthest = 2 + sum((i + 1) * one * factor for i, (one, factor) in enumerate(zip(largest, factors, strict=True)))
    if farthest >= 2 ** (BITS // dims - 1):
        raise RecycleError(
            f"densecrf: a reach of {1 / per_pixel:g} pixels and {1 / per_level:g} grey levels is too small for a "
            f"photo of {image.shape[1]}x{image.shape[0]} pixels",
            "choose larger sdims or schan: 80 pixels and 13 grey levels, say",
        )
