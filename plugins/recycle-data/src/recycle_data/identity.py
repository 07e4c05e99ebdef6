"""What makes a photo itself: a digest of its decoded pixels, a perceptual hash, and what it looks like at 64x64.

Every question whether a photo has been seen is answered by these, never by its path; `recycle_data.duplicates` compares
them, `recycle_data.file_cache` keeps those of files.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from recycle_coco.once import warn_once
from recycle_coco.photo import more_pictures, open_photo, transparent
from recycle_coco.pixels import depth, rgb_bands, upright

from recycle_data.file_cache import Known
from recycle_data.progress import track
from recycle_data.sources import read_photo
from recycle_data.threads import in_threads
from recyclecli.errors import RecycleError, join_limited

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from PIL import Image

    from recyclecli.types import Source

log = logging.getLogger("recycle.data")

SEVERAL = (".tif", ".tiff", ".webp", ".png", ".heic", ".heif")  # what may hold several pictures
ALPHA_PROBED_FILES = 8  # files that are looked at for transparent pixels
LUMA_SIDE = 64  # of the luma of a photo, whatever its shape
COLOR_SIDE = 16  # of its colours
LOW = 8  # x LOW frequencies make the perceptual hash
IDENTITY = np.dtype(
    [
        ("digest", "u1", 20),
        ("hash", "<u8"),
        ("height", "<u4"),
        ("width", "<u4"),
        ("bits", "u1"),
        ("luma", "u1", (LUMA_SIDE, LUMA_SIDE)),
        ("chroma", "u1", (COLOR_SIDE, COLOR_SIDE, 2)),
    ]
)
"""Of one photo.

`digest`: SHA-1 of its stored pixels and their size. `hash`: 64 bits of its low frequencies. `height`, `width`: in
pixels, both 0 where it cannot be read. `bits`: 8, 12 or 16 of a channel. `luma`, `chroma`: Y, Cb and Cr, 0 to 255, of
the photo as its EXIF rotation shows it, squeezed into squares.
"""


def identity_of(image: Image.Image, orientation: int = 1) -> NDArray[np.void]:
    """() `IDENTITY` of an opened image file.

    Args:
        image: of any mode.
        orientation: of its EXIF, 1 to 8.
    """
    from PIL import Image as Pillow

    image.load()
    found = np.zeros((), IDENTITY)
    found["bits"] = bits = depth(image)
    digest = hashlib.sha1(f"{image.size}".encode(), usedforsecurity=False)
    narrow = []
    for stored, plain in rgb_bands(image):
        digest.update((stored if bits > 8 else plain).tobytes())
        narrow.append(np.asarray(_squeezed(plain, LUMA_SIDE, plain.height)))
    found["digest"] = np.frombuffer(digest.digest(), np.uint8)
    found["width"], found["height"] = image.size
    small = _squeezed(Pillow.fromarray(np.concatenate(narrow)), LUMA_SIDE, LUMA_SIDE)
    small = upright(small, orientation).convert("YCbCr")
    pixels = np.asarray(small)
    found["luma"] = pixels[..., 0]
    step = LUMA_SIDE // COLOR_SIDE
    blocks = pixels[..., 1:].reshape(COLOR_SIDE, step, COLOR_SIDE, step, 2)
    found["chroma"] = np.rint(blocks.mean((1, 3)))
    found["hash"] = perceptual_hashes(frequencies(found["luma"][None]))[0]
    return found


def hexadecimal(photo: NDArray[np.void]) -> str:
    """The digest of a () `IDENTITY` in hexadecimal digits, as files name it."""
    return bytes(photo["digest"].tobytes()).hex()


def frequencies(luma: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, LOW, LOW) low frequencies, down and across, of (n, 64, 64) luma."""
    small = luma.reshape(-1, LUMA_SIDE // 2, 2, LUMA_SIDE // 2, 2).mean((2, 4), dtype=np.float32)
    low: NDArray[np.float32] = _cosines() @ small @ _cosines().T
    return low


def perceptual_hashes(low: NDArray[np.float32]) -> NDArray[np.uint64]:
    """(n,) 64 bits of photos, from their `frequencies`: which of them lie above their median (pHash)."""
    flat = low.reshape(-1, LOW * LOW)
    bits = np.packbits(flat > np.median(flat, 1, keepdims=True), axis=1)
    return bits.view(">u8")[:, 0].astype(np.uint64)


def identities(source: Source) -> NDArray[np.void]:
    """(n,) `IDENTITY` of a source's photos; those that cannot be read, which reading will say, have no size."""
    records = [source.record(index) for index in range(len(source))]
    found = files_identities([record.file for record in records])
    _tell_pictures([record.file for record in records])
    for index in np.flatnonzero(found["height"] == 0).tolist():
        if not records[index].file.is_file():  # drawn, not stored
            found[index] = _drawn(source, index)
    return found


def _tell_pictures(files: Sequence[Path]) -> None:
    """Say which photos' files hold several pictures, of which the first is read, and whether some are transparent."""
    several = []
    unsure = [file for file in files if file.suffix.lower() in SEVERAL]
    for file in unsure:
        with suppress(RecycleError):
            several += [file] if more_pictures(file) else []
    tell_transparent(unsure[:ALPHA_PROBED_FILES])
    if several:
        verb = "1 photo holds" if len(several) == 1 else f"{len(several)} photos hold"
        warn_once(log, f"note: {verb} several pictures, of which the first is read: {join_limited(several, 3)}")


def tell_transparent(files: Iterable[Path]) -> None:
    """Name the first photo of these that has transparent pixels."""
    for file in files:
        with suppress(RecycleError):
            if note := transparent(file):
                warn_once(log, note)
                return


def files_identities(files: Iterable[Path]) -> NDArray[np.void]:
    """(n,) `IDENTITY` of photos' files; those that cannot be read have no size. Kept in the user's cache folder."""
    files = list(files)
    known = Known(IDENTITY)
    found = np.zeros(len(files), IDENTITY)
    new = []
    for number, file in enumerate(files):
        earlier = known.find(file)
        if earlier is None:
            new.append(number)
        else:
            found[number] = earlier
    looks = in_threads(lambda number: _look(files[number]), track(new, len(new), "reading photos"))
    for number, look in zip(new, looks, strict=True):
        if look is not None:
            found[number] = look
            known.add(files[number], look)
    known.save()
    return found


def _look(file: Path) -> NDArray[np.void] | None:
    try:
        with open_photo(file) as (image, orientation):
            return identity_of(image, orientation)
    except RecycleError:
        return None


def _drawn(source: Source, index: int) -> NDArray[np.void]:
    from PIL import Image as Pillow

    try:
        return identity_of(Pillow.fromarray(read_photo(source, index)))
    except RecycleError:
        return np.zeros((), IDENTITY)


def _squeezed(image: Image.Image, width: int, height: int) -> Image.Image:
    from PIL import Image as Pillow

    return image.resize((width, height), Pillow.Resampling.BILINEAR)


@cache
def _cosines() -> NDArray[np.float32]:
    """(LOW, SIDE / 2) the lowest cosines of a discrete cosine transform."""
    places = (np.arange(LUMA_SIDE // 2) + 0.5) / (LUMA_SIDE // 2)
    return np.cos(np.pi * np.arange(LOW)[:, None] * places).astype(np.float32)
