"""Pictures inside a page: as data URIs."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

THUMBNAIL_QUALITY = 80

Rgba = tuple[int, int, int, int]


def jpeg_uri(image: NDArray[np.uint8]) -> str:
    """An image (H, W, 3) as a JPEG."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=THUMBNAIL_QUALITY)
    return _uri("jpeg", stream)


def layer_uri(places: NDArray[np.uint8], colors: Sequence[Rgba]) -> str:
    """A PNG to lay over an image: (H, W) places in a list of at most 256 colours with their opacity."""
    image = Image.fromarray(places, mode="P")
    image.putpalette(bytes(part for color in colors for part in color[:3]))
    stream = io.BytesIO()
    image.save(stream, "PNG", transparency=bytes(color[3] for color in colors), optimize=True)
    return _uri("png", stream)


def _uri(form: str, stream: io.BytesIO) -> str:
    return f"data:image/{form};base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
