"""A photo from the bytes that were sent: refused or decoded, in memory alone."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from recyclecli.coco.photo import HEIC, orientation_of, rgb_array, upright
from recyclecli.data.fit import fitted_size, resize_image
from recyclecli.report.serve.refusal import Limits, Refused

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")  # those of `recyclecli.coco.PHOTO_SUFFIXES`
SCANS = 100  # of a progressive JPEG; cameras write about ten, and each is decoded over the whole photo


@dataclass(frozen=True, slots=True)
class Photo:
    """A decoded photo.

    Attributes:
        pixels: (H, W, 3) uint8 RGB, turned as its EXIF says.
        height, width: of the photo as it was sent, turned; more than H and W where it was reduced.
    """

    pixels: NDArray[np.uint8]
    height: int
    width: int

    @property
    def reduced(self) -> bool:
        """Whether it has fewer pixels than what was sent."""
        return self.pixels.shape[:2] != (self.height, self.width)


def check_photo(data: bytes | bytearray, limits: Limits) -> None:
    """Raise Refused where this is no photo, or too large a one; nothing is decoded for that."""
    if not data:
        raise Refused(400, "the file is empty: 0 bytes", "choose a photo")
    with _opened(data) as image:
        width, height = image.size
        if width * height > limits.pixels:
            raise Refused(
                413,
                f"the photo has too many pixels: {width} x {height}, and {limits.pixels / 1e6:.0f} million are allowed",
                "reduce it first",
            )
        if image.format in ("JPEG", "MPO") and data.count(b"\xff\xda") > SCANS:
            raise Refused(400, f"the JPEG has more than {SCANS} scans", "save it anew as a plain JPEG")


def read_photo(data: bytes | bytearray, longest: int | None = None, pixels: int | None = None) -> Photo:
    """The photo, reduced to a longest side or to so many pixels where it has more.

    The JPEG decoder does most of a reduction by itself, and then never makes the photo in full.

    Raises:
        Refused: it is truncated or damaged.
    """
    with _opened(data) as image:
        orientation = orientation_of(image)
        width, height = image.size
        if orientation >= 5:
            width, height = height, width
        side = longest or max(height, width)
        if pixels is not None:
            side = min(side, math.floor(max(height, width) * math.sqrt(pixels / (height * width))))
        if max(height, width) > side:
            image.draft("RGB", fitted_size(image.size[1], image.size[0], side)[::-1])
        image.load()
        array = rgb_array(upright(image, orientation))
    if max(height, width) > side:
        array = resize_image(array, *fitted_size(height, width, side))
    return Photo(array, height, width)


@contextmanager
def _opened(data: bytes | bytearray) -> Iterator[Image.Image]:
    """The image, its head read alone; what its decoder raises within the block becomes a refusal."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                yield image
    except Refused:
        raise
    except Image.DecompressionBombError as error:
        raise Refused(413, "the photo has too many pixels by far", "reduce it first") from error
    except UnidentifiedImageError as error:
        if data[4:12] in HEIC:
            raise Refused(
                415, "HEIC and AVIF photos cannot be read", "save it as JPEG; iPhone: Camera, Formats, Most Compatible"
            ) from error
        raise Refused(415, "this is no photo, whatever its name says", f"send one of {', '.join(FORMATS)}") from error
    except Exception as error:  # decoders raise all kinds on damaged files
        raise Refused(400, f"the photo cannot be read: {error}", "save it anew, or choose another") from error
