"""Files of masks: numbers, with or without a palette, or colours."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from recycle_coco import label_counts, open_photo
from recycle_coco.mask_numbers import mask_numbers, spread
from recycle_coco.pixels import more_pictures

from recycle_datasets.bitmaps import bands
from recycle_datasets.tables import Color
from recyclecli.types import IGNORE, RecycleError

INDEX_MODES = ("P", "L", "1", "I;16", "I")
COLOR_MODES = ("RGB", "RGBA", "LA", "PA")
MAX_MASK_COLORS = 2**12  # colours of one mask
JPEG = "is a JPEG, which changes the values"
DARK, LIGHT = 64, 192  # of a JPEG in black and white: below and from
MAX_BETWEEN_SHARE = 0.1  # of its pixels that lie between, at most, and no areas of one value
MAX_GRAY_TINT = 32  # by which its channels differ at most
RAMP = np.arange(IGNORE + 1, dtype=np.uint8)[:, None].repeat(3, 1)


@dataclass(frozen=True, slots=True)
class IndexMask:
    """A mask of numbers as stored.

    Attributes:
        file: where it was read.
        values: (H, W) uint8.
        palette: the colour of each value, shorter where the file has fewer; None where it has no palette. Grays of
            a file of colours are numbers, and their own palette.
        between: pixels of a JPEG that were neither black nor white; None for other files.
    """

    file: Path
    values: NDArray[np.uint8]
    palette: NDArray[np.uint8] | None
    between: int | None = None

    def present(self) -> list[int]:
        """The values that occur, ascending."""
        found: list[int] = np.flatnonzero(self.counts()).tolist()
        return found

    def counts(self) -> NDArray[np.int64]:
        """(256,) pixels of each value."""
        return label_counts(self.values)

    def inside(self) -> int:
        """Pixels of neither 0 nor 255 that have their value above them, left of them, and between these, too."""
        here, above = self.values[1:], self.values[:-1]
        found = (here > 0) & (here < IGNORE) & (here == above)
        return int(np.count_nonzero(found[:, 1:] & found[:, :-1] & (here[:, 1:] == here[:, :-1])))

    def colors(self) -> dict[int, Color]:
        """The colour of each value that occurs; none where the palette does not tell the values apart."""
        if self.palette is None:
            return {}
        present = self.present()
        found = {value: color_at(self.palette, value) for value in present if value < len(self.palette)}
        gray = all(color == (value, value, value) for value, color in found.items())
        return found if len(set(found.values())) == len(present) and not gray else {}


@dataclass(frozen=True, slots=True)
class ColorMask:
    """A mask of colours.

    Attributes:
        file: where it was read.
        codes: (H, W) uint32, red * 65536 + green * 256 + blue.
        colors: each colour to its pixels.
    """

    file: Path
    codes: NDArray[np.uint32]
    colors: Counter[Color]


Mask = IndexMask | ColorMask


def color_at(palette: NDArray[np.uint8], value: int) -> Color:
    """The colour of a value, by a palette of three numbers for each."""
    red, green, blue = palette[value].tolist()
    return red, green, blue


@contextmanager
def opened(file: Path, jpeg: bool = False) -> Iterator[Image.Image]:
    """A mask's image, its head read alone.

    Args:
        file: the mask.
        jpeg: it may be a JPEG.

    Raises:
        RecycleError: missing, no image, a pointer of Git LFS, a JPEG, or of a mode that is no mask's.
    """
    with open_photo(file, "mask", ("GIF",)) as (image, _):
        advice = "save masks as PNG, of one channel whose values are the class numbers or of the classes' colours"
        if several := more_pictures(image):
            raise RecycleError(
                f"mask {file} {several.partition(',')[0]}, and a mask is one", "save that of the photo alone"
            )
        if image.format == "JPEG" and not jpeg:
            raise RecycleError(f"mask {file} {JPEG}", advice)
        if image.mode not in (*INDEX_MODES, *COLOR_MODES):
            raise RecycleError(f"mask {file} holds {image.mode} colours, no class numbers", advice)
        yield image


def mask_size(file: Path) -> tuple[int, int]:
    """Height and width of a mask."""
    with opened(file, jpeg=True) as image:
        return image.height, image.width


def read_mask(file: Path) -> Mask:
    """A mask as stored: its numbers and the palette that it has for them, or its colours. Grays are numbers.

    Raises:
        RecycleError: see `opened`; numbers above 255, more colours than masks have, or a JPEG of more than two.
    """
    with opened(file, jpeg=True) as image:
        if image.format == "JPEG":
            return _black_and_white(file, image)
        return _read_colors(file, image) if image.mode in COLOR_MODES else read_numbers(file, image)


def read_numbers(file: Path, image: Image.Image) -> IndexMask:
    """The mask of an image of one of `INDEX_MODES`; see `mask_numbers`.

    Raises:
        RecycleError: other numbers above 255.
    """
    if image.format == "GIF" and _is_gray(image):
        image = image.convert("L")  # GIF keeps the numbers as grays, and numbers these anew
    values = mask_numbers(file, image)
    colors = np.array(image.getpalette(), np.uint8).reshape(-1, 3) if image.mode == "P" else None
    if values.max(initial=0) > IGNORE or values.min(initial=0) < 0:
        wrong = values.min() if values.min() < 0 else values.max()
        raise RecycleError(
            f"mask {file} holds the value {wrong}, and numbers of classes are 0 to {IGNORE}",
            "export a mask of classes; numbers of single objects tell no class",
        )
    return IndexMask(file, values.astype(np.uint8), colors)


def _black_and_white(file: Path, image: Image.Image) -> IndexMask:
    """A JPEG of 0 and 255, each pixel as the nearer of the two: it smooths along edges."""
    channels = np.asarray(image.convert("RGB")) if image.mode != "L" else np.zeros((1, 1, 3), np.uint8)
    gray = np.asarray(image.convert("L"))
    between = int(np.count_nonzero((gray >= DARK) & (gray < LIGHT)))
    grays = int(np.count_nonzero((gray > 0) & (gray < IGNORE)))
    if (
        0 < gray.max(initial=0) < LIGHT
        or int(np.ptp(channels, axis=2).max()) > MAX_GRAY_TINT
        or between > MAX_BETWEEN_SHARE * gray.size
        or 4 * IndexMask(file, gray, None).inside() > grays
    ):
        raise RecycleError(
            f"mask {file} {JPEG}, and holds areas of others than 0 and 255",
            "export the masks again as PNG: a JPEG keeps neither class numbers nor colours",
        )
    return IndexMask(file, np.where(gray >= IGNORE // 2 + 1, np.uint8(IGNORE), np.uint8(0)), None, between)


def _read_colors(file: Path, image: Image.Image) -> Mask:
    """What is transparent is black."""
    codes = np.empty((image.height, image.width), np.uint32)
    colors = Counter[Color]()
    image.load()
    for rows, band in bands(image):
        if band.mode != "RGB":
            whole = band.convert("RGBA")
            band = Image.new("RGB", whole.size)
            band.paste(whole.convert("RGB"), mask=whole.getchannel("A").point(lambda value: 255 if value else 0))
        counts: Any = band.getcolors(MAX_MASK_COLORS)  # of RGB, three numbers each
        colors.update({(int(color[0]), int(color[1]), int(color[2])): count for count, color in counts or ()})
        if counts is None or len(colors) > MAX_MASK_COLORS:
            raise RecycleError(
                f"mask {file} holds more than {MAX_MASK_COLORS} colours: it is a photo, or was smoothed",
                "save masks with the colours of the classes alone, resized by the nearest pixel",
            )
        pixels = np.asarray(band).astype(np.uint32)
        codes[rows] = pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2]
    if all(red == green == blue for red, green, blue in colors):
        return IndexMask(file, codes.astype(np.uint8), RAMP)
    return ColorMask(file, codes, colors)


def _is_gray(image: Image.Image) -> bool:
    palette = np.array(image.getpalette() or [], np.uint8).reshape(-1, 3)
    return bool((palette == palette[:, :1]).all())


def codes_of(file: Path) -> NDArray[np.uint32]:
    """(H, W) of a mask's colours as red * 65536 + green * 256 + blue; what is transparent is 0.

    Raises:
        RecycleError: see `opened`.
    """
    with opened(file) as image:
        whole = np.asarray(image.convert("RGBA"))
    codes = whole[..., 0].astype(np.uint32) << 16 | whole[..., 1].astype(np.uint32) << 8 | whole[..., 2]
    codes[whole[..., 3] == 0] = 0
    found: NDArray[np.uint32] = codes
    return found


def numbers_of(file: Path) -> NDArray[np.uint32]:
    """(H, W) of a mask's numbers, also above 255; of colours red + 256 * green + 65536 * blue, as panoptic PNGs have.

    Raises:
        RecycleError: see `opened`.
    """
    with opened(file) as image:
        if image.mode in INDEX_MODES:
            return np.asarray(image).astype(np.uint32) // np.uint32(spread(file))
        whole = np.asarray(image.convert("RGB")).astype(np.uint32)
    return np.asarray(whole[..., 0] | whole[..., 1] << 8 | whole[..., 2] << 16, np.uint32)
