"""Colours the materials of a photo with model.onnx: `python run.py photo.jpg mask.png`.

It needs numpy, pillow and onnxruntime, and card.json beside it.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.Image import Resampling

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else it writes a device id and events for its maker

import onnxruntime


def stretch(values: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """The rows of a float32 matrix resized to `length`, bilinearly."""
    place = np.clip((np.arange(length) + 0.5) * len(values) / length - 0.5, 0, len(values) - 1)
    upper = place.astype(int)
    share = (place - upper).astype(np.float32)[:, None]
    wide: NDArray[np.float32] = values[upper] * (1 - share) + values[np.minimum(upper + 1, len(values) - 1)] * share
    return wide


here = Path(__file__).parent
card = json.loads((here / "card.json").read_text(encoding="utf-8"))
size = card["size"]
photo = ImageOps.exif_transpose(Image.open(sys.argv[1], formats=("JPEG", "PNG", "WEBP", "BMP", "TIFF")))
if photo.mode.startswith("I"):  # 16-bit gray
    photo = Image.fromarray(np.clip(np.asarray(photo).astype(int) // 257, 0, 255).astype(np.uint8))
photo = photo.convert("RGB")
width, height = (max(1, round(side * size / max(photo.size))) for side in photo.size)
small = photo.resize((width, photo.height), Resampling.BILINEAR).resize((width, height), Resampling.BILINEAR)
square = np.zeros((1, 3, size, size), np.float32)  # black to the right and below
square[0, :, :height, :width] = np.asarray(small, np.float32).transpose(2, 0, 1) / 255
session = onnxruntime.InferenceSession(here / "model.onnx", providers=["CPUExecutionProvider"])
logits = session.run(["logits"], {"image": square})[0][0, :, :height, :width]
labels, largest = np.zeros(photo.size[::-1], np.uint8), np.full(photo.size[::-1], -np.inf, np.float32)
for label, plane in enumerate(logits):  # one class at a time, or a large photo would need much memory
    own = stretch(stretch(plane, photo.height).T, photo.width).T
    labels[own > largest] = label
    np.maximum(largest, own, out=largest)
mask = Image.fromarray(labels, "P")
mask.putpalette([channel for color in card["palette"] for channel in color])
mask.save(sys.argv[2])
