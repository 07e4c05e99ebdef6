"""Reading photos: every mode to RGB, the EXIF rotation decided by the annotated size."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from recyclecli.errors import RecycleError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

ORIENTATION = 0x0112  # EXIF tag
TURNS = ("FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM", "TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90")
"""What PIL calls that which undoes the orientations 2 to 8."""
BAND = 1024  # rows that are copied at a time


def read_photo(file: Path, height: int | None = None, width: int | None = None) -> NDArray[np.uint8]:
    """The photo as (H, W, 3) uint8 RGB.

    With an annotated `height` and `width` in pixels, the EXIF rotation is applied when the
    annotation fits the rotated size and left alone when it fits only the stored one. Without
    them it is applied. Alpha is dropped; 16-bit gray is scaled to 8 bits.

    Raises:
        RecycleError: missing, truncated or no image at all, of floating-point numbers, or the size fits
            neither way.
    """
    with open_photo(file) as (image, orientation):
        if image.mode == "F":
            raise RecycleError(
                f"photo {file} holds floating-point numbers, and no range that tells what is white",
                "save it with 8 or 16 bits",
            )
        stored = image.size
        turned = stored[::-1] if orientation >= 5 else stored
        stated = turned if height is None or width is None else (width, height)
        if stated not in (stored, turned):
            raise RecycleError(
                f"{file} is {stored[0]}x{stored[1]} pixels, its annotation says {stated[0]}x{stated[1]}",
                "annotate this file, or correct width and height in the annotation file",
            )
        image.load()
        return rgb_array(upright(image, orientation) if stated == turned else image)


def photo_size(file: Path) -> tuple[int, int]:
    """Height and width in pixels with the EXIF rotation applied, from the file's head alone.

    Raises:
        RecycleError: missing, or no image.
    """
    with open_photo(file) as (image, orientation):
        width, height = image.size
        return (width, height) if orientation >= 5 else (height, width)


@contextmanager
def open_photo(file: Path) -> Iterator[tuple[Image.Image, int]]:
    """The image file, not decoded yet, and its EXIF orientation, 1 to 8.

    Raises:
        RecycleError: missing, truncated or no image, also where that shows within the block.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image: Image.Image = Image.open(file)
        with image:
            yield image, orientation_of(image)
    except FileNotFoundError as error:
        raise RecycleError(f"photo {file} is missing", "file names are relative to --data: check both") from error
    except (OSError, SyntaxError, ValueError, TypeError, Image.DecompressionBombError) as error:
        raise RecycleError(
            f"photo {file} cannot be read: {error}", "replace the file or drop it from the set"
        ) from error


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where it is not stated, or EXIF is damaged, which the pixels do not mind."""
    try:
        stated = image.getexif().get(ORIENTATION)  # anything: files hold text there, too
    except Exception:  # PIL's parser raises whatever it stumbled over
        return 1
    return stated if isinstance(stated, int) and 1 <= stated <= 8 else 1


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """A decoded image turned as its EXIF orientation, 1 to 8, asks; its other EXIF tags are not looked at."""
    from PIL import Image

    return image if orientation == 1 else image.transpose(Image.Transpose[TURNS[orientation - 2]])


def rgb_array(image: Image.Image) -> NDArray[np.uint8]:
    """A decoded image of any mode as (H, W, 3) uint8 RGB: alpha dropped, 16-bit gray scaled to 8 bits."""
    return _array(_rgb(image))


def _array(image: Image.Image) -> NDArray[np.uint8]:
    """An RGB image as an array; a large one band by band, as PIL's own way holds three copies of it for a while."""
    import numpy as np

    if image.height <= BAND:
        return np.asarray(image)
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, BAND):
        bottom = min(top + BAND, image.height)
        pixels[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return pixels


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit gray, which convert() would clip to white
        import numpy as np
        from PIL import Image

        deep = np.asarray(image).astype(np.int64)
        return Image.fromarray(np.clip(deep // 257, 0, 255).astype(np.uint8)).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")
