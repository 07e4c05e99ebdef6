"""Masks that labelling tools write into their files: PNG as text, and cut-outs laid into the photo."""

import base64
import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

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


def _as_text(rle: dict[str, Any], height: int, width: int) -> dict[str, Any]:
    """An RLE with its counts as text."""
    packed = rasterise(rle, height, width) or rle
    return {"size": [height, width], "counts": packed["counts"].decode("ascii")}
