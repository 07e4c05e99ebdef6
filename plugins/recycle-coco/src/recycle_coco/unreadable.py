"""What is said of a file that is no photo for us: of another format, empty, too large.

An export embeds this file in its run.py, so it needs nothing of ours.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import IO

PILLOW_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")  # of `PHOTO_SUFFIXES`; PIL would run Ghostscript for others
DEFAULT_MAX_PIXELS = 178_956_970  # most of a photo: more is PIL's DecompressionBombError, unless MAX_PIXELS allows it
WEBP_PIXELS = 50_000_000  # most of a WebP: its decoder holds 16 bytes of each pixel, and PIL and we 7 more
MAX_PIXELS = "RECYCLE_MAX_PIXELS"  # what `--max-pixels` sets, for the processes of a command, too
UNREAD_MAGIC = ((0, b"GIF8", "GIF"), (4, b"ftypavi", "AVIF"), (4, b"ftyphei", "HEIC"), (4, b"ftyphev", "HEIC"),
          (4, b"ftypmif1", "HEIC"), (4, b"ftypmsf1", "HEIC"), (4, b"jP  ", "JPEG 2000"), (0, b"%PDF", "PDF"),
          (4, b"JXL ", "JPEG XL"), (0, b"\xff\x0a", "JPEG XL"))  # fmt: skip
"""Offset, bytes and name of formats that are not read."""
LFS_POINTER = b"version https://git-lfs"  # what stands in a file that Git has not fetched
LFS_REFUSAL = "is a pointer of Git LFS, not the file itself", "fetch the files: git lfs pull"
TO_JPEG = (
    "pip install pillow-heif, or save it as JPEG: heif-convert IN OUT.jpg, on a Mac sips -s format jpeg IN --out "
    "OUT.jpg; on an iPhone choose Camera, Formats, Most Compatible"
)


class Unreadable(Exception):
    """A photo that is not taken: the message is the cause, to follow the photo's name; `remedy` what to do."""

    def __init__(self, cause: str, remedy: str = "replace the file or drop it from the set") -> None:
        super().__init__(cause)
        self.remedy = remedy


class Unsupported(Unreadable):
    """A whole file of another format, or whose numbers have no range."""


class TooLarge(Unreadable):
    """More pixels than are decoded; `pixels`: how many."""

    def __init__(self, width: int, height: int, form: str | None = None) -> None:
        most = max_pixels(form)
        named = " of a WebP" if most < max_pixels() else ""
        super().__init__(
            f"is {width}x{height} pixels, and at most {most} are read{named}, as a small file may be made to fill the "
            "memory",
            "save it as JPEG or PNG" if named and width * height <= max_pixels() else "reduce it first",
        )
        self.pixels = width * height


def max_pixels(form: str | None = None) -> int:
    """The most pixels that a photo of a format of PIL's may have; a variable that states no number is as none."""
    stated = os.environ.get(MAX_PIXELS, "").strip()
    if stated.isdecimal() and int(stated):
        return int(stated)
    return WEBP_PIXELS if form == "WEBP" else DEFAULT_MAX_PIXELS


def other_format(head: bytes) -> str:
    """The name of a format that PIL does not read for us; "" for none."""
    return next((name for start, magic, name in UNREAD_MAGIC if head[start:].startswith(magic)), "")


def unknown(handle: IO[bytes]) -> Unreadable:
    """What to say of a file that PIL does not recognise."""
    handle.seek(0)
    head = handle.read(32)
    if not head:
        return Unreadable("cannot be read: it is empty, 0 bytes")
    if head.startswith(LFS_POINTER):
        return Unreadable(*LFS_REFUSAL)
    name = other_format(head)
    if name == "HEIC" and find_spec("pillow_heif") is not None:
        return Unreadable("cannot be read: it is HEIC, and damaged")
    found = f"it is {name}, and none of" if name else "it is none of"
    remedy = "save it in one of these formats, or drop it from the set"
    if name in ("HEIC", "AVIF"):
        remedy = TO_JPEG if name == "HEIC" else TO_JPEG.partition(", or ")[2]
    return Unsupported(f"cannot be read: {found} {', '.join(PILLOW_FORMATS)}, whatever its name says", remedy)
