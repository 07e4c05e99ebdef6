"""Reading photos: every mode to RGB, the EXIF rotation decided by the annotated size."""

from __future__ import annotations

import os
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from recyclecli.errors import RecycleError
from recyclecli.reading import MissingFile, open_regular

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

ORIENTATION = 0x0112  # EXIF tag
TURNS = ("FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM", "TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90")
"""What PIL calls that which undoes the orientations 2 to 8."""
BAND = 2048  # x BAND pixels are converted at a time
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")  # those of `PHOTO_SUFFIXES`; PIL would run Ghostscript for others
UNCHECKED = 2**24  # pixels that are painted without a look at the photo
WHITE_OF_12 = 2**12 - 1
LARGE = 2**24  # pixels of a photo that is decoded while no other such is, whatever many threads read
PIXELS = 178_956_970  # most of a photo: more is PIL's DecompressionBombError, unless MAX_PIXELS allows it
MAX_PIXELS = "RECYCLE_MAX_PIXELS"  # what `--max-pixels` sets, for the processes of a command, too
HEIC = (b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypmif1", b"ftypmsf1", b"ftypavif")  # from the fifth byte on
HEIC_SUFFIXES = frozenset({".heic", ".heif", ".avif"})
HEIC_REMEDY = (
    "save them as JPEG: heif-convert IN OUT.jpg, on a Mac sips -s format jpeg IN --out OUT.jpg; on an iPhone choose "
    "Camera, Formats, Most Compatible"
)
DAMAGE = (OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, OverflowError, struct.error, zlib.error)
"""What PIL's decoders raise on a damaged file."""

_alone = threading.RLock()


def _unlock() -> None:
    """A process that was forked has none of the threads that may have held the lock."""
    global _alone
    _alone = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock)


def max_pixels() -> int:
    """The most pixels that a photo may have."""
    return int(os.environ.get(MAX_PIXELS) or PIXELS)


def read_photo(file: Path, height: int | None = None, width: int | None = None) -> NDArray[np.uint8]:
    """The photo as (H, W, 3) uint8 RGB.

    With an annotated `height` and `width` in pixels, the EXIF rotation is applied when the
    annotation fits the rotated size and left alone when it fits only the stored one. Without
    them it is applied. Alpha is dropped; gray of 16 bits, or of 12 stored in 16, is scaled to 8.

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
        turn = height is None or width is None or _is_turned(file, image.size, orientation, height, width)
        image.load()
        return rgb_array(upright(image, orientation) if turn else image)


def check_size(file: Path, height: int, width: int) -> None:
    """Compare an annotated size of many pixels with the photo's, its head read alone, where there is a photo.

    For labels that are painted without the photo: an annotation may state any size.

    Raises:
        RecycleError: the photo cannot be read, or the size fits it neither rotated as EXIF says nor as stored.
    """
    if height * width > UNCHECKED and file.exists():
        with open_photo(file) as (image, orientation):
            _is_turned(file, image.size, orientation, height, width)


def _is_turned(file: Path, stored: tuple[int, int], orientation: int, height: int, width: int) -> bool:
    """Whether an annotated size is that after the EXIF rotation, not that of the file; RecycleError if neither."""
    turned = stored[::-1] if orientation >= 5 else stored
    if (width, height) not in (stored, turned):
        raise RecycleError(
            f"{file} is {stored[0]}x{stored[1]} pixels, its annotation says {width}x{height}",
            "annotate this file, or correct width and height in the annotation file",
        )
    return (width, height) == turned


def photo_size(file: Path) -> tuple[int, int]:
    """Height and width in pixels with the EXIF rotation applied, from the file's head alone.

    Raises:
        RecycleError: missing, or no image.
    """
    with open_photo(file) as (image, orientation):
        width, height = image.size
        return (width, height) if orientation >= 5 else (height, width)


@contextmanager
def open_photo(file: Path, what: str = "photo") -> Iterator[tuple[Image.Image, int]]:
    """The image file, not decoded yet, and its EXIF orientation, 1 to 8; a large one in one thread at a time.

    Args:
        file: a regular file of one of `FORMATS`.
        what: the image is, for messages: a photo, a mask ...

    Raises:
        RecycleError: missing, no regular file, truncated, or no image of a known format, also where that shows
            within the block.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        handle = open_regular(file)
    except MissingFile as error:
        raise RecycleError(f"{what} {file} is missing", "file names are relative to --data: check both") from error
    try:
        with handle:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                if (most := max_pixels()) > PIXELS:
                    Image.MAX_IMAGE_PIXELS = most  # PIL refuses twice as many
                image: Image.Image = Image.open(handle, formats=FORMATS)
                if image.width * image.height > most:
                    raise _too_large(file, what, image.size)
            with image, _alone if image.width * image.height > LARGE else nullcontext():
                yield image, orientation_of(image)
    except UnidentifiedImageError as error:
        with file.open("rb") as head:
            if head.read(12)[4:] in HEIC:
                raise RecycleError(f"{what} {file} is HEIC or AVIF, whatever its name says", HEIC_REMEDY) from error
        raise RecycleError(
            f"{what} {file} cannot be read: it is none of {', '.join(FORMATS)}, whatever its name says",
            "save it in one of these formats, or drop it from the set",
        ) from error
    except Image.DecompressionBombError as error:
        with _alone:
            limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            try:
                with Image.open(file, formats=FORMATS) as image:
                    raise _too_large(file, what, image.size) from error
            finally:
                Image.MAX_IMAGE_PIXELS = limit
    except DAMAGE as error:
        raise RecycleError(
            f"{what} {file} cannot be read: {error}", "replace the file or drop it from the set"
        ) from error


def _too_large(file: Path, what: str, size: tuple[int, int]) -> RecycleError:
    pixels = size[0] * size[1]
    return RecycleError(
        f"{what} {file} is {size[0]}x{size[1]} pixels; photos of more than {max_pixels()} are opened with --max-pixels "
        f"{pixels} only, as a small file may be made to fill the memory",
        f"if you trust it, type the command again with --max-pixels {pixels}; else reduce it",
    )


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
    """A decoded image of any mode as (H, W, 3) uint8 RGB: alpha dropped, gray of 16 or 12 bits scaled to 8.

    A large one is converted in bands, as PIL's own way holds three copies of it for a while.
    """
    import numpy as np

    bits = depth(image)
    if image.height * image.width <= BAND * BAND:
        return np.asarray(_rgb(image, bits))
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    top = 0
    for band in bands(image):
        pixels[top : top + band.height] = np.asarray(_rgb(band, bits))
        top += band.height
    return pixels


def depth(image: Image.Image) -> Literal[8, 12, 16]:
    """Bits of a decoded image's channels: 12 where gray of 16 bits has no value above 4095, as cameras store it."""
    import numpy as np

    if not image.mode.startswith("I"):
        return 8
    return 12 if max(int(np.max(np.asarray(band))) for band in bands(image)) <= WHITE_OF_12 else 16


def bands(image: Image.Image) -> Iterator[Image.Image]:
    """A decoded image from top to bottom in parts of about `BAND` x `BAND` pixels, each as wide as it is."""
    rows = max(1, BAND * BAND // image.width)
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))


def _rgb(image: Image.Image, bits: int) -> Image.Image:
    if bits > 8:  # convert() would clip it to white
        import numpy as np
        from PIL import Image

        deep = np.asarray(image).astype(np.int64)
        eight = deep // 16 if bits == 12 else deep // 257
        return Image.fromarray(np.clip(eight, 0, 255).astype(np.uint8)).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")
