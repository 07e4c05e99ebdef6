"""Masks that labelling tools write into their files: PNG as text, and cut-outs laid into the photo."""

import base64
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from recycle_coco import encode, rasterise, size_fault
from recycle_coco.pixels import DECODING_ERRORS

MAX_PNG_BYTES = 2**28  # bytes of a PNG
MAX_LISTED_RUN_ENDS = 2**22  # ends of runs that are listed
INSPECTED_PIXELS_PER_BAND = 2**22  # pixels that are looked at in one go


@contextmanager
def png(data: bytes) -> Iterator[Image.Image]:
    """The image of a PNG, its head read alone.

    Raises:
        ValueError: it is none, damaged, or larger than a photo may be, also where that shows within the block.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the size is looked at here
            image = Image.open(BytesIO(data), formats=("PNG",))
        with image:
            if fault := size_fault({"height": image.height, "width": image.width}):
                raise ValueError(fault[1])
            yield image
    except (*DECODING_ERRORS, Image.DecompressionBombError) as error:
        raise ValueError(f"no PNG: {error}") from error


def whole_runs(counts: Any, most: int) -> NDArray[np.int64]:
    """(N,) lengths of runs, whose sum does not wrap around: numpy writes outside of its memory where one's does.

    Args:
        counts: as a file has them.
        most: pixels that there are.

    Raises:
        ValueError: one is no number or negative, or they cover more pixels.
        TypeError, OverflowError: one is no number, or a huge one.
    """
    runs = np.asarray(counts, np.int64).reshape(-1)
    if runs.min(initial=0) < 0 or runs.max(initial=0) > most or runs.sum() > most:
        raise ValueError(f"its runs cover {sum(runs.tolist())} pixels, and there are {most}")
    return runs


def bands(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """A decoded image from top to bottom in parts, with the rows of each."""
    rows = max(1, INSPECTED_PIXELS_PER_BAND // image.width)
    for top in range(0, image.height, rows):
        below = min(top + rows, image.height)
        yield slice(top, below), image.crop((0, top, image.width, below))


def opaque_or_nonzero(image: Image.Image) -> NDArray[np.bool_]:
    """The pixels (H, W) that are opaque, of an image with transparent ones, else those of another value than 0."""
    found = np.zeros((image.height, image.width), bool)
    clear = image.mode in ("LA", "PA", "RGBA") or (image.mode == "P" and "transparency" in image.info)
    image.load()
    for rows, band in bands(image):
        if clear:
            band = band.convert("RGBA").getchannel("A")
        elif image.mode == "P":
            band = band.convert("RGB")
        values = np.asarray(band)
        found[rows] = values.any(axis=2) if values.ndim == 3 else values != 0
    return found


def png_mask(text: Any) -> NDArray[np.bool_]:
    """The mask (H, W) of a PNG in base64, plain or compressed by zlib; see `drawn`.

    Raises:
        ValueError: it is no such text, or no PNG.
    """
    try:
        data = base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text)
        if not data.startswith(b"\x89PNG"):
            data = zlib.decompressobj().decompress(data, MAX_PNG_BYTES)
    except DECODING_ERRORS as error:
        raise ValueError(f"no PNG in base64: {error}") from error
    with png(data) as image:
        return opaque_or_nonzero(image)


def placed(mask: NDArray[Any], left: int, top: int, height: int, width: int) -> dict[str, Any]:
    """A cut-out mask as a COCO RLE of the whole photo, without painting that.

    Args:
        mask: (h, w), non-zero inside; what lies outside the photo is cut off.
        left, top: where its first pixel lies, also outside.
        height, width: of the photo.
    """
    inside = mask[max(0, -top) : max(0, height - top), max(0, -left) : max(0, width - left)]
    inside = inside if inside.dtype == bool else inside != 0
    top, left = max(0, top), max(0, left)
    if not inside.size:
        inside, left, top = np.zeros((0, 0), bool), 0, 0
    columns = np.zeros((inside.shape[1], inside.shape[0] + 2), np.int8)
    columns[:, 1:-1] = inside.T
    change = np.diff(columns, axis=1)
    del columns
    if np.count_nonzero(change) > MAX_LISTED_RUN_ENDS:  # of noise: a list of its runs is larger than the photo
        del change
        whole = np.zeros((height, width), bool, order="F")
        whole[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
        return encode(whole)
    begins, ends = ((column + left) * height + row + top for column, row in map(np.nonzero, (change > 0, change < 0)))
    apart = begins[1:] != ends[:-1]  # a run down to the bottom goes on at the top of the next column
    bounds = np.column_stack([begins[np.append(True, apart)[: len(begins)]], ends[np.append(apart, True)[: len(ends)]]])
    counts = np.diff(np.concatenate([[0], bounds.ravel(), [height * width]])).tolist()
    return _as_text({"size": [height, width], "counts": counts}, height, width)


def _as_text(rle: dict[str, Any], height: int, width: int) -> dict[str, Any]:
    """An RLE with its counts as text."""
    packed = rasterise(rle, height, width) or rle
    return {"size": [height, width], "counts": packed["counts"].decode("ascii")}
