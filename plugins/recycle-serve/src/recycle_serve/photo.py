"""A photo from the bytes that were sent: refused or decoded, in memory alone."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from recycle_coco.pixels import (
    more_pictures,
    opened,
    recognised,
    rgb_array,
    transparency,
    upright_array,
)
from recycle_coco.unreadable import TooLarge, Unreadable, Unsupported
from recycle_data.letterbox import fitted_size, resize_image

from recycle_serve.refusal import Limits, RequestRejected

SCANS = 100  # of a progressive JPEG; cameras write about ten, and each is decoded over the whole photo


@dataclass(frozen=True, slots=True)
class UploadedPhoto:
    """A decoded photo.

    Attributes:
        pixels: (H, W, 3) uint8 RGB, turned as its EXIF says.
        height, width: of the photo as it was sent, turned; more than H and W where it was reduced.
        note: what the file holds beside it.
    """

    pixels: NDArray[np.uint8]
    height: int
    width: int
    note: str = ""

    @property
    def reduced(self) -> bool:
        """Whether it has fewer pixels than what was sent."""
        return self.pixels.shape[:2] != (self.height, self.width)


def check_photo(data: bytes | bytearray, limits: Limits) -> None:
    """Raise RequestRejected where this is no photo, or too large a one; nothing is decoded for that."""
    with _refusing(), recognised(io.BytesIO(data)) as image:
        width, height = image.size
        if width * height > limits.pixels:
            raise RequestRejected(
                413,
                f"the photo has too many pixels: {width} x {height}, and {limits.pixels / 1e6:.0f} million are allowed",
                "reduce it first",
            )
        if image.format in ("JPEG", "MPO") and data.count(b"\xff\xda") > SCANS:
            raise RequestRejected(400, f"the JPEG has more than {SCANS} scans", "save it anew as a plain JPEG")


def read_photo(data: bytes | bytearray, longest: int | None = None, pixels: int | None = None) -> UploadedPhoto:
    """The photo, reduced to a longest side or to so many pixels where it has more.

    The JPEG decoder does most of a reduction by itself, and then never makes the photo in full.

    Raises:
        RequestRejected: it is truncated or damaged, or holds numbers without a range.
    """
    with _refusing(), opened(io.BytesIO(data)) as (image, orientation):
        notes = [more_pictures(image), transparency(image)]
        width, height = image.size
        if orientation >= 5:
            width, height = height, width
        side = longest or max(height, width)
        if pixels is not None:
            side = min(side, math.floor(max(height, width) * math.sqrt(pixels / (height * width))))
        if max(height, width) > side:
            image.draft("RGB", fitted_size(image.size[1], image.size[0], side)[::-1])
        image.load()
        array = rgb_array(image)
    del image  # it takes more than its pixels
    array = upright_array(array, orientation)
    if max(height, width) > side:
        array = resize_image(array, *fitted_size(height, width, side))
    return UploadedPhoto(array, height, width, "; it ".join(filter(None, notes)))


@contextmanager
def _refusing() -> Iterator[None]:
    """What is unreadable becomes a refusal in the words of every other reader."""
    try:
        yield
    except Unreadable as error:
        status = 413 if isinstance(error, TooLarge) else 415 if isinstance(error, Unsupported) else 400
        raise RequestRejected(status, f"the photo {error}", error.remedy) from error
