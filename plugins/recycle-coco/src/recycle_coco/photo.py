"""Reading photos: every mode to RGB, the EXIF rotation decided by the annotated size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from recyclecli.errors import RecycleError
from recyclecli.reading import MissingFile, open_regular

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

UNCHECKED = 2**24  # pixels that are painted without a look at the photo


class PhotoHeader(NamedTuple):
    """What a photo's file says of it without being decoded.

    `size`: width and height as they are stored. `orientation`: of its EXIF, 1 to 8. `note`: that it holds several
    pictures, to follow its name, or "".
    """

    size: tuple[int, int]
    orientation: int
    note: str


def read_photo(file: Path, height: int | None = None, width: int | None = None) -> NDArray[np.uint8]:
    """The photo as (H, W, 3) uint8 RGB.

    With an annotated `height` and `width` in pixels, the EXIF rotation is applied when the
    annotation fits the rotated size and left alone when it fits only the stored one. Without
    them it is applied. Alpha is dropped; gray of 16 bits, or of 12 stored in 16, is scaled to 8.

    Raises:
        RecycleError: missing, truncated or no image at all, of numbers without a range, or the size fits
            neither way.
    """
    from recycle_coco.pixels import rgb_array, upright_array

    with open_photo(file) as (image, orientation):
        turn = height is None or width is None or _is_turned(file, image.size, orientation, height, width)
        image.load()
        pixels = rgb_array(image)
    del image  # it takes more than its pixels
    return upright_array(pixels, orientation if turn else 1)


def more_pictures(file: Path) -> str:
    """A note on a photo whose file holds several pictures: an animation, pages; "" where it holds one.

    Raises:
        RecycleError: missing, or no image.
    """
    note = read_head(file).note
    return f"note: photo {file} {note}" if note else ""


def transparent(file: Path) -> str:
    """A note on a photo with transparent pixels, whose colours are read all the same; "" where it has none.

    Raises:
        RecycleError: missing, damaged, or no image.
    """
    from recycle_coco.pixels import transparency

    with open_photo(file) as (image, _):
        note = transparency(image)
    return f"note: photo {file} {note}" if note else ""


def check_size(file: Path, height: int, width: int) -> None:
    """Compare an annotated size of many pixels with the photo's, its head read alone, where there is a photo.

    For labels that are painted without the photo: an annotation may state any size.

    Raises:
        RecycleError: the photo cannot be read, or the size fits it neither rotated as EXIF says nor as stored.
    """
    if height * width > UNCHECKED and file.exists():
        head = read_head(file)
        _is_turned(file, head.size, head.orientation, height, width)


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
    head = read_head(file)
    width, height = head.size
    return (width, height) if head.orientation >= 5 else (height, width)


def read_head(file: Path) -> PhotoHeader:
    """The head of a photo's file.

    Raises:
        RecycleError: missing, or no image.
    """
    from recycle_coco import pixels

    with _photo_file(file, "photo") as handle, pixels.recognised(handle) as image:
        orientation = pixels.orientation_of(image)
        turned = image.format == "TIFF" and orientation >= 5  # PIL states the size that it will have
        return PhotoHeader(image.size[::-1] if turned else image.size, orientation, pixels.more_pictures(image))


@contextmanager
def open_photo(file: Path, what: str = "photo", more: tuple[str, ...] = ()) -> Iterator[tuple[Image.Image, int]]:
    """The image file as it is stored, and its EXIF orientation, 1 to 8; see `recycle_coco.pixels.opened`.

    Args:
        file: a regular file of one of the formats that are read.
        what: the image is, for messages: a photo, a mask ...
        more: formats that are read besides, as PIL calls them: GIF.

    Raises:
        RecycleError: missing, no regular file, truncated, or no image of a known format, also where that shows
            within the block.
    """
    from recycle_coco.pixels import opened

    with _photo_file(file, what) as handle, opened(handle, more) as found:
        yield found


@contextmanager
def _photo_file(file: Path, what: str) -> Iterator[IO[bytes]]:
    from recycle_coco.unreadable import TooLarge, Unreadable
    from recycle_coco.variables import say_unknown_variables

    say_unknown_variables()
    try:
        handle = open_regular(file)
    except MissingFile as error:
        if file.is_symlink():
            raise RecycleError(f"{what} {file} is a link to {file.readlink()}, which is missing", "fetch it") from error
        raise RecycleError(f"{what} {file} is missing", "file names are relative to --data: check both") from error
    try:
        with handle:
            yield handle
    except TooLarge as error:
        remedy = f"if you trust it, type the command again with --max-pixels {error.pixels}; else {error.remedy}"
        raise RecycleError(f"{what} {file} {error}", remedy) from error
    except Unreadable as error:
        raise RecycleError(f"{what} {file} {error}", error.remedy) from error
