"""Masks that labelling tools write into their files: PNG as text, runs of values, cut-outs laid into the photo."""

import base64
import struct
import zlib
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from recyclecli.coco import rasterise

MOST = 2**28  # bytes of a PNG, and its pixels
DAMAGE = (OSError, SyntaxError, TypeError, LookupError, EOFError, AttributeError, struct.error, zlib.error)


def png_mask(text: Any) -> NDArray[np.bool_]:
    """The mask (H, W) of a PNG in base64, plain or compressed by zlib: what is opaque, or of another value than 0.

    Raises:
        ValueError: it is no such text, or no PNG.
    """
    try:
        data = base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text)
        if not data.startswith(b"\x89PNG"):
            data = zlib.decompressobj().decompress(data, MOST)
        with Image.open(BytesIO(data), formats=("PNG",)) as image:
            if image.width * image.height > MOST:
                raise ValueError(f"it is {image.width}x{image.height} pixels")
            if image.mode in ("LA", "PA", "RGBA") or (image.mode == "P" and "transparency" in image.info):
                image = image.convert("RGBA").getchannel("A")
            elif image.mode == "P":
                image = image.convert("RGB")
            values = np.asarray(image)
    except (*DAMAGE, Image.DecompressionBombError) as error:
        raise ValueError(f"no PNG in base64: {error}") from error
    return values.any(axis=2) if values.ndim == 3 else values != 0


def placed(mask: NDArray[Any], left: int, top: int, height: int, width: int) -> dict[str, Any]:
    """A cut-out mask as a COCO RLE of the whole photo, without painting that.

    Args:
        mask: (h, w), non-zero inside; what lies outside the photo is cut off.
        left, top: where its first pixel lies, also outside.
        height, width: of the photo.
    """
    inside = mask[max(0, -top) : max(0, height - top), max(0, -left) : max(0, width - left)] != 0
    top, left = max(0, top), max(0, left)
    columns = np.zeros((inside.shape[1], inside.shape[0] + 2), np.int8)
    columns[:, 1:-1] = inside.T
    change = np.diff(columns, axis=1)
    begins, ends = ((column + left) * height + row + top for column, row in map(np.nonzero, (change > 0, change < 0)))
    apart = begins[1:] != ends[:-1]  # a run down to the bottom goes on at the top of the next column
    bounds = np.column_stack([begins[np.append(True, apart)[: len(begins)]], ends[np.append(apart, True)[: len(ends)]]])
    counts = np.diff(np.concatenate([[0], bounds.ravel(), [height * width]])).tolist()
    return _as_text({"size": [height, width], "counts": counts}, height, width)


def run_masks(runs: Sequence[int], wanted: Mapping[str, int], height: int, width: int) -> dict[str, dict[str, Any]]:
    """The masks of values that are written as runs, row by row, as COCO RLE by name.

    Args:
        runs: value, count, value, count ... over the whole photo.
        wanted: name to the value of its pixels; names without a pixel are left out.
        height, width: of the photo.

    Raises:
        ValueError: the runs are no numbers, or do not cover the photo.
    """
    try:
        values, counts = np.asarray(runs, np.int64).reshape(-1, 2).T
        names = {int(value): name for name, value in wanted.items()}
    except (TypeError, OverflowError) as error:
        raise ValueError("its runs are no numbers") from error
    if counts.min(initial=0) < 0 or counts.sum() != height * width:
        raise ValueError(f"its runs cover {counts.sum()} pixels, and the photo has {height}x{width}")
    order = sorted(names)
    numbers = np.searchsorted(order, values)
    known = np.isin(values, order)
    labels = np.repeat(np.where(known, numbers + 1, 0).astype(np.int32), counts).reshape(height, width)
    found = {}
    for number, window in enumerate(ndimage.find_objects(labels), start=1):
        if window is not None:
            rows, columns = window
            mask = labels[window] == number
            found[names[order[number - 1]]] = placed(mask, columns.start, rows.start, height, width)
    return found


def _as_text(rle: dict[str, Any], height: int, width: int) -> dict[str, Any]:
    """An RLE with its counts as text."""
    packed = rasterise(rle, height, width) or rle
    return {"size": [height, width], "counts": packed["counts"].decode("ascii")}
