"""Photos that show next to nothing: painted masks in their place, and JPEGs of the lowest quality."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from recycle_coco.photo import open_photo
from recycle_coco.pixels import rgb_array

from recyclecli.errors import RecycleError, counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

COARSE_JPEG_STEP = 80  # levels of the finest step of a JPEG's brightness: quality 6
FEW_COLORS, FEW_COLORS_SHARE = 32, 0.8  # colours, and the share that these have of pixels beside the most frequent
ENOUGH = 512  # x ENOUGH of its pixels tell which colours it has
EQUAL_NEIGHBOUR_SHARE = 0.4  # of the 64x64 pixels that equal the one beside: less is not worth a look at the colours
SAID = {
    "painted-photo": "of at most 32 colours, as painted masks are",
    "coarse-jpeg": "saved as JPEG of the lowest quality, which leaves blocks alone",
}


def poor(file: Path, luma: NDArray[np.uint8] | None = None) -> tuple[str, str] | None:
    """The fault of a photo that shows next to nothing and what was found; None of others.

    Args:
        file: the photo's.
        luma: (64, 64), where it is known: it tells which colours need not be counted.

    Raises:
        RecycleError: it cannot be read.
    """
    with open_photo(file) as (image, _):
        tables = getattr(image, "quantization", None) or {}  # of JPEG alone
        if tables and (finest := min(tables[min(tables)])) >= COARSE_JPEG_STEP:
            return "coarse-jpeg", f"brightness in steps of {finest} levels"
        if luma is not None and np.mean(luma[:, 1:] == luma[:, :-1]) < EQUAL_NEIGHBOUR_SHARE:
            return None
        image.draft("RGB", (ENOUGH, ENOUGH))
        size = min(ENOUGH, image.width), min(ENOUGH, image.height)
        pixels = rgb_array(image.resize(size, Image.Resampling.NEAREST)).astype(np.uint32)
    _, counts = np.unique(pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2], return_counts=True)
    frequent = np.sort(counts)[::-1]
    if (
        len(counts) > 1 and frequent[1:FEW_COLORS].sum() >= FEW_COLORS_SHARE * frequent[1:].sum()
    ):  # one colour alone is an empty scene
        return (
            "painted-photo",
            f"{counted(len(counts), 'colour')}, of which {min(FEW_COLORS, len(counts))} are nearly all of it",
        )
    return None


def poor_photos(files: Iterable[Path]) -> Iterator[str]:
    """How many of these photos show next to nothing, for each reason."""
    found: Counter[str] = Counter()
    for file in files:
        with suppress(RecycleError):  # reading it says why
            if fault := poor(file):
                found[fault[0]] += 1
    for code, count in found.items():
        yield f"{counted(count, 'photo')} {SAID[code]}"
