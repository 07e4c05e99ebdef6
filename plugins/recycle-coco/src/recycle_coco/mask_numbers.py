"""The class numbers that the pixels of a mask's file stand for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from recyclecli.types import IGNORE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

GRAY_16 = 257  # a gray of 8 bits as one of 16: 255 is 65535


def mask_numbers(file: Path, image: Image.Image) -> NDArray[np.integer[Any]]:
    """(H, W) numbers of an opened mask of one channel; of grays of 16 bits that are those of 8 times 257, of 8 bits."""
    import numpy as np

    values: NDArray[np.integer[Any]] = np.asarray(image)
    if values.max(initial=0) > IGNORE and not (values % GRAY_16).any():
        return values // GRAY_16
    times = spread(file)
    return values // times if times > 1 else values


def spread(file: Path) -> int:
    """What PIL multiplies the values of a gray PNG of 2 or 4 bits by, so that they reach 255; 1 for other files."""
    with file.open("rb") as handle:
        head = handle.read(26)
    bits = head[24] if head[:4] == b"\x89PNG" and head[25] == 0 else 0
    return {2: 85, 4: 17}.get(bits, 1)
