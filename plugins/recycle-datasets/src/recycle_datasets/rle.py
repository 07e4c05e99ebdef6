"""The run-length encoding of Label Studio's brush: that of @thi.ng/rle-pack, packed into bits."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BRUSH_BITS = 8  # bits of a value, of a channel of a pixel
MAX_RLE_VALUES = 2**30  # values: channels of a photo


def decode_brush(packed: Sequence[int] | bytes, height: int, width: int) -> NDArray[np.bool_]:
    """The drawn pixels (H, W) of a brush region: those that are not wholly transparent.

    The stream starts with the number of values (32 bits), the bits of a value less one (5 bits) and four lengths of
    runs less one (4 bits each). Then, until all values are there: a bit whether one value follows that is repeated,
    the place of the run's length among the four (2 bits), the run's length less one, and its value or values. The
    values are RGBA of each pixel, row by row.

    Args:
        packed: the bytes, 0 to 255.
        height, width: of the photo.

    Raises:
        ValueError: it is no such stream, ends too early, or has not as many values as the photo has channels.
    """
    data = bytes(packed)
    bits = int.from_bytes(data[:7].ljust(7, b"\0"))
    count, word = bits >> 24, (bits >> 19 & 31) + 1
    sizes = [(bits >> place & 15) + 1 for place in (15, 11, 7, 3)]
    if count not in (height * width * 4, height * width) or count > MAX_RLE_VALUES:
        raise ValueError(f"its rle holds {count} values, and the photo {height * width} pixels of 4 channels")
    if word != BRUSH_BITS:
        raise ValueError(f"its rle has values of {word} bits, and {BRUSH_BITS} are read")
    values = np.zeros(count, np.uint8)
    place, done, end = 32 + 5 + 16, 0, len(data) * 8
    while done < count:
        start = place >> 3
        window = int.from_bytes(data[start : start + 8].ljust(8, b"\0")) << (place & 7) & 0xFFFFFFFFFFFFFFFF
        repeated, size = window >> 63, sizes[window >> 61 & 3]
        length = (window >> (61 - size) & (1 << size) - 1) + 1
        place += 3 + size
        if repeated:
            values[done : done + length] = window >> (53 - size) & 255
            place += BRUSH_BITS
        else:
            values[done : done + length] = _values(data, place, length)[: count - done]
            place += BRUSH_BITS * length
        done += length
        if place > end:
            raise ValueError("its rle ends too early")
    drawn: NDArray[np.bool_] = values.reshape(height, width, -1)[..., -1] > 0
    return drawn


def _values(data: bytes, place: int, length: int) -> NDArray[np.uint8]:
    """`length` values of 8 bits from bit `place` on; 0 behind the end."""
    start, shift = place >> 3, place & 7
    window = np.frombuffer(data[start : start + length + 1].ljust(length + 1, b"\0"), np.uint8).astype(np.uint16)
    return (window[:-1] << shift | window[1:] >> (8 - shift)).astype(np.uint8)
