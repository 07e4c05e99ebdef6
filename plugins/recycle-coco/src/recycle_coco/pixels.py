"""Decoding a photo: the one reader of every command, of the page and of the run.py of an export.

An export embeds this file, jpeg.py and unreadable.py in its run.py, so they need numpy and Pillow and nothing else of
ours. HEIC is read where pillow-heif is installed.
"""

from __future__ import annotations

import os
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from importlib.util import find_spec
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from recycle_coco.jpeg import jpeg_fault
from recycle_coco.unreadable import (
    DEFAULT_MAX_PIXELS,
    PILLOW_FORMATS,
    TooLarge,
    Unreadable,
    Unsupported,
    max_pixels,
    other_format,
    unknown,
)

ORIENTATION = 0x0112  # EXIF tag
SUBFILE = 0x00FE  # TIFF tag: what a page is of another, 0 for a picture of its own
PICTURES_KEY = "recycle-pictures"  # key of `Image.info`
EXIF_TURNS = ("FLIP_LEFT_RIGHT", "ROTATE_180", "FLIP_TOP_BOTTOM", "TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90")
"""What PIL calls that which undoes the orientations 2 to 8."""
CONVERTED_SIDE = 1024  # pixels of a square: so many are converted at a time
OPAQUE = 255  # of an alpha channel
WHITE_OF_16_BITS = 65535  # of whole numbers: white of 16 bits
WHITE_OF_12 = 4095
ALLOCATED_BLOCK_BYTES = 2**26  # bytes; glibc keeps pieces of up to 2**25 for later
LARGE_PHOTO_PIXELS = 2**24  # pixels of a photo that is decoded while no other such is, whatever many threads read
DECODING_ERRORS = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError),
    *(AssertionError, AttributeError, struct.error, zlib.error),
)
"""What PIL's decoders raise on a damaged file."""

_alone = threading.RLock()
_whole: set[int] = set()  # JPEG files of this process that are whole


def _unlock() -> None:
    """A process that was forked has none of the threads that may have held the lock."""
    global _alone
    _alone = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_unlock)


@contextmanager
def recognised(handle: IO[bytes], more: tuple[str, ...] = ()) -> Iterator[Image.Image]:
    """The image as PIL gives it, its head read alone; what its decoder raises within the block becomes `Unreadable`.

    A large one is held by one thread at a time.

    Args:
        handle: a binary file of one of `PILLOW_FORMATS`, at its beginning.
        more: formats that are read besides.

    Raises:
        Unreadable: truncated, or no image of these formats, also where that shows within the block.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            Image.MAX_IMAGE_PIXELS = max(
                max_pixels(), DEFAULT_MAX_PIXELS
            )  # PIL warns of more, and refuses twice as many
            image: Image.Image = Image.open(handle, formats=(*_formats(handle), *more))
            if image.width * image.height > max_pixels(image.format):
                raise TooLarge(*image.size, image.format)
            image.info[PICTURES_KEY] = _count(image)
        many = image.width * image.height > LARGE_PHOTO_PIXELS
        with image, alone(image.width * image.height), _returned() if many else nullcontext():
            if image.format in ("JPEG", "MPO"):
                vars(image)["load"] = partial(_load_whole, image, handle)
            try:
                yield image
            finally:
                vars(image).pop("load", None)
    except Image.DecompressionBombError as error:
        raise _bomb(handle) from error
    except UnidentifiedImageError as error:
        raise unknown(handle) from error
    except DECODING_ERRORS as error:
        raise Unreadable(f"cannot be read: {error or type(error).__name__}") from error


def alone(pixels: int) -> AbstractContextManager[object]:
    """A block for what holds a photo of so many pixels, or its labels: one thread at a time where they are many."""
    return _alone if pixels > LARGE_PHOTO_PIXELS else nullcontext()


@contextmanager
def _returned() -> Iterator[None]:
    """A block in which PIL asks for memory in pieces that malloc gives back to the system."""
    before = Image.core.get_block_size()  # type: ignore[attr-defined]
    Image.core.set_block_size(ALLOCATED_BLOCK_BYTES)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        Image.core.set_block_size(before)  # type: ignore[attr-defined]


def _load_whole(image: Image.Image, handle: IO[bytes]) -> Any:
    """`Image.load` of a JPEG, once: what PIL decodes in spite of damage raises OSError. A file is looked at once."""
    vars(image).pop("load", None)
    loaded = image.load()
    try:
        state = os.fstat(handle.fileno())
        mark = hash((state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns))
    except (OSError, AttributeError):
        mark = 0  # not a file
    if mark and mark in _whole:
        return loaded
    place = handle.tell()
    handle.seek(0)
    fault = jpeg_fault(handle.read())
    handle.seek(place)
    if fault:
        raise OSError(f"its pixels are damaged: {fault}")
    if mark:
        _whole.add(mark)
    return loaded


def more_pictures(image: Image.Image) -> str:
    """What to say, after the photo's name, of an image from `opened` whose file holds others beside; "" where none."""
    count = image.info.get(PICTURES_KEY, 1)
    return f"holds {count} pictures, of which the first is read" if count > 1 else ""


def transparency(image: Image.Image) -> str:
    """What to say, after the photo's name, of an image from `opened` with transparent pixels; "" where it has none."""
    if not image.has_transparency_data:
        return ""
    least = (image if image.mode in ("RGBA", "LA") else image.convert("RGBA")).getchannel("A").getextrema()[0]
    return "has transparent pixels, whose colours are read as if they were not" if least != OPAQUE else ""


def _count(image: Image.Image) -> int:
    """Pictures of an image that is not decoded yet: frames, and pages where the second is no mask or reduced copy."""
    if image.format not in ("TIFF", "WEBP", "PNG", "HEIF") or not getattr(image, "is_animated", False):
        return 1
    if image.format == "TIFF":
        size = image.size
        try:
            image.seek(1)
            if image.size != size or image.tag_v2.get(SUBFILE, 0):  # type: ignore[attr-defined]
                return 1
        except (*DECODING_ERRORS, Image.DecompressionBombError):
            return 1
        finally:
            image.seek(0)
    return int(image.n_frames)  # type: ignore[attr-defined]


@contextmanager
def opened(handle: IO[bytes], more: tuple[str, ...] = ()) -> Iterator[tuple[Image.Image, int]]:
    """The image as it is stored, and its orientation, 1 to 8; see `recognised`.

    PIL turns TIFFs, and no others, while it decodes them: it is not shown that one has an orientation.
    """
    with recognised(handle, more) as image:
        orientation = orientation_of(image)
        if image.format == "TIFF" and orientation > 1:
            del image.getexif()[ORIENTATION]
            image.load()
            yield image._new(image.im), orientation  # of the size of its pixels, which `image` has turned
        else:
            yield image, orientation


def _bomb(handle: IO[bytes]) -> Unreadable:
    """What to say of a file that PIL takes for a bomb: the size that its head states."""
    with _alone:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            handle.seek(0)
            with Image.open(handle, formats=_formats(handle)) as image:
                return TooLarge(*image.size, image.format)
        except DECODING_ERRORS as error:
            return Unreadable(f"cannot be read: {error or type(error).__name__}")
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _formats(handle: IO[bytes]) -> tuple[str, ...]:
    """The formats that a file is tried for: HEIC by its head alone, with pillow-heif, which tells PIL about it."""
    head = handle.read(32)
    handle.seek(0)
    if other_format(head) != "HEIC" or find_spec("pillow_heif") is None:
        return PILLOW_FORMATS
    from pillow_heif import register_heif_opener

    register_heif_opener()
    return ("HEIF",)


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where it is not stated, or EXIF is damaged, which the pixels do not mind."""
    if image.format == "PNG" and not _notes_of_png(image):
        return 1  # PIL would decode the whole picture to look behind it
    try:
        stated = image.getexif().get(ORIENTATION)  # anything: files hold text there, too
    except Exception:  # PIL's parser raises whatever it stumbled over
        return 1
    return stated if isinstance(stated, int) and 1 <= stated <= 8 else 1


def _notes_of_png(image: Image.Image) -> bool:
    """Whether a PNG that is not decoded yet has a chunk that may state an orientation, before its pixels or behind."""
    handle: IO[bytes] | None = getattr(image, "fp", None)
    if handle is None:
        return True
    here = handle.tell()
    try:
        handle.seek(8)
        while len(head := handle.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind in (b"eXIf", b"tEXt", b"zTXt", b"iTXt"):
                return True
            handle.seek(length + 4, os.SEEK_CUR)
        return False
    finally:
        handle.seek(here)


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """A decoded image turned as its EXIF orientation, 1 to 8, asks; its other EXIF tags are not looked at."""
    return image if orientation == 1 else image.transpose(Image.Transpose[EXIF_TURNS[orientation - 2]])


def upright_array(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """(H, W, 3) turned as an EXIF orientation, 1 to 8, asks; `upright` for what is no image of PIL's any more."""
    if orientation == 1:
        return pixels
    across = pixels.transpose(1, 0, 2)  # of the orientations 5 to 8
    turns = (
        pixels[:, ::-1],
        pixels[::-1, ::-1],
        pixels[::-1],
        across,
        across[:, ::-1],
        across[::-1, ::-1],
        across[::-1],
    )
    return np.ascontiguousarray(turns[orientation - 2])


def rgb_array(image: Image.Image) -> NDArray[np.uint8]:
    """A decoded image as (H, W, 3) uint8 RGB: alpha dropped, gray of 16 or 12 bits scaled to 8.

    A large one is converted in bands, as PIL's own way holds three copies of it for a while.

    Raises:
        Unsupported: see `rgb_bands`.
    """
    if image.height * image.width <= CONVERTED_SIDE * CONVERTED_SIDE:
        return np.asarray(next(rgb_bands(image))[1])
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    top = 0
    for _, band in rgb_bands(image):
        pixels[top : top + band.height] = np.asarray(band)
        top += band.height
    return pixels


def rgb_bands(image: Image.Image) -> Iterator[tuple[Image.Image, Image.Image]]:
    """The `bands` of a decoded image, each as it is stored and in RGB; see `rgb_array`.

    Raises:
        Unsupported: it holds floating-point numbers, or whole numbers outside 0..65535: what is white is not known.
    """
    if image.mode == "F":
        raise Unsupported(
            "holds floating-point numbers, and no range that tells what is white", "save it with 8 or 16 bits"
        )
    bits = depth(image)
    for band in bands(image):
        yield band, _rgb(band, bits)


def depth(image: Image.Image) -> Literal[8, 12, 16]:
    """Bits of a decoded image's channels: 12 where gray of 16 bits has no value above 4095, as cameras store it."""
    if not image.mode.startswith("I"):
        return 8
    return 12 if max(int(np.max(np.asarray(band))) for band in bands(image)) <= WHITE_OF_12 else 16


def bands(image: Image.Image) -> Iterator[Image.Image]:
    """A decoded image from top to bottom in parts of about `CONVERTED_SIDE` squared pixels, each as wide as it is."""
    rows = max(1, CONVERTED_SIDE * CONVERTED_SIDE // image.width)
    if rows >= image.height:
        yield image
        return
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))


def _rgb(image: Image.Image, bits: int) -> Image.Image:
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")  # PIL warns of the direct way
    if bits == 8:
        return image if image.mode == "RGB" else image.convert("RGB")
    deep = np.asarray(image).astype(np.int64)  # 16-bit gray, which convert() would clip to white
    if deep.min(initial=0) < 0 or deep.max(initial=0) > WHITE_OF_16_BITS:
        raise Unsupported(
            f"holds numbers of {deep.min()} to {deep.max()}, and no range that tells what is white",
            "save it with 8 or 16 bits",
        )
    return Image.fromarray((deep // (16 if bits == 12 else 257)).astype(np.uint8)).convert("RGB")
