"""Colours the materials of a photo with model.onnx: `python run.py photo.jpg mask.png`.

It needs numpy, pillow and onnxruntime, and card.json and model.onnx beside it. The mask is an 8-bit PNG whose values
are the labels of card.json, with their colours as its palette, or without any with --gray.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else onnxruntime writes a device id and events for its maker

try:
    import numpy as np
    import onnxruntime
    from numpy.typing import NDArray
    from PIL import Image
    from PIL.Image import Resampling
except ImportError as missing:
    sys.exit(f"error: {missing}\n  remedy: {sys.executable} -m pip install numpy pillow onnxruntime")

from recycle_coco.pixels import more_pictures, opened, rgb_array, transparency, upright_array
from recycle_coco.unreadable import Unreadable

HERE = Path(__file__).resolve().parent


class InputError(Exception):
    """What is wrong beside the photo, and the remedy."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(cause)
        self.remedy = remedy


def read_photo(file: Path) -> Image.Image:
    """The photo as RGB, turned as its EXIF says."""
    if file.is_dir():
        raise Unreadable("is a folder, and a photo is expected", "name one photo after the other")
    if not file.exists():
        raise Unreadable("is missing", "check its name and its folder")
    if not file.is_file():
        raise Unreadable("is no regular file", "name a file")
    try:
        handle = file.open("rb")
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or error}", "check who may read it") from error
    with handle, opened(handle) as (image, orientation):
        for told in filter(None, (more_pictures(image), transparency(image))):
            print(f"note: photo {file} {told}", file=sys.stderr)
        image.load()
        return Image.fromarray(upright_array(rgb_array(image), orientation))


def stretch(values: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """The rows of a float32 matrix resized to `length`, bilinearly."""
    place = np.clip((np.arange(length) + 0.5) * len(values) / length - 0.5, 0, len(values) - 1)
    upper = place.astype(int)
    share = (place - upper).astype(np.float32)[:, None]
    wide: NDArray[np.float32] = values[upper] * (1 - share) + values[np.minimum(upper + 1, len(values) - 1)] * share
    return wide


def framing(height: int, width: int, card: dict[str, Any]) -> tuple[int, int, int, int]:
    """Height and width of a photo as the model sees it, and of the frame in whose corner it lies."""
    multiple, longest = card["multiple"], max(height, width)
    if multiple:
        rows, columns = (max(1, round(side * card["size"] / longest)) for side in (height, width))
        return rows, columns, rows + -rows % multiple, columns + -columns % multiple
    most_rows, most_columns = card["window"]
    if height * most_columns >= width * most_rows:
        return most_rows, max(1, round(width * most_rows / height)), most_rows, most_columns
    return max(1, round(height * most_columns / width)), most_columns, most_rows, most_columns


def labels_of(photo: Image.Image, card: dict[str, Any], session: Any) -> NDArray[np.uint8]:
    """(H, W) labels of a photo, at its own size."""
    height, width, *frame = framing(photo.height, photo.width, card)
    small = photo.resize((width, photo.height), Resampling.BILINEAR).resize((width, height), Resampling.BILINEAR)
    image = np.zeros((1, 3, *frame), np.float32)  # black to the right and below
    image[0, :, :height, :width] = np.asarray(small, np.float32).transpose(2, 0, 1) / 255
    logits = session.run(["logits"], {"image": image})[0][0, :, :height, :width]
    labels, largest = np.zeros(photo.size[::-1], np.uint8), np.full(photo.size[::-1], -np.inf, np.float32)
    for label, plane in enumerate(logits):  # one class at a time, or a large photo would need much memory
        own = stretch(stretch(plane, photo.height).T, photo.width).T
        labels[own > largest] = label
        np.maximum(largest, own, out=largest)
    return labels


def mask_of(labels: NDArray[np.uint8], colors: list[list[int]] | None) -> Image.Image:
    """Labels as a gray image, or as one with a palette of all 256 colours, which keeps its PNG at 8 bits."""
    mask = Image.fromarray(labels)
    if colors is not None:
        flat = [channel for color in colors for channel in color]
        mask.putpalette(flat + [0] * (768 - len(flat)))
    return mask


def colour(photo: Path, mask: Path, gray: bool) -> None:
    """Write the mask of a photo.

    Raises:
        Fault: the mask cannot be written, or the export is not whole.
        Unreadable: the photo is not taken.
    """
    if mask.suffix.lower() != ".png":
        raise InputError(f"{mask}: a mask is a PNG, and other formats change its values", f"name it {mask.stem}.png")
    if mask.exists() and photo.exists() and mask.samefile(photo):
        raise InputError(f"{mask} is the photo itself", "name another file for the mask")
    pixels = read_photo(photo)
    try:
        card = json.loads((HERE / "card.json").read_text(encoding="utf-8"))
        session = onnxruntime.InferenceSession(HERE / "model.onnx", providers=["CPUExecutionProvider"])
    except Exception as error:  # missing, damaged, or of another version
        raise InputError(f"{HERE} is no whole export: {error}", "copy the whole folder of the export again") from error
    image = mask_of(labels_of(pixels, card, session), None if gray else card["palette"])
    try:
        image.save(mask)
    except OSError as error:
        raise InputError(
            f"cannot write {mask}: {error.strerror or error}", "name a place in a folder of yours"
        ) from error


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; what is wrong is said with a remedy, and the exit code is 2."""
    parser = argparse.ArgumentParser(prog="run.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("photo", type=Path, help="JPEG, PNG, WebP, TIFF or BMP")
    parser.add_argument("mask", type=Path, help="PNG to write")
    parser.add_argument("--gray", action="store_true", help="no palette: a gray PNG, as OpenCV reads labels")
    given = parser.parse_args(arguments)
    try:
        colour(given.photo, given.mask, given.gray)
    except Unreadable as error:
        parser.exit(2, f"error: photo {given.photo} {error}\n  remedy: {error.remedy}\n")
    except InputError as error:
        parser.exit(2, f"error: {error}\n  remedy: {error.remedy}\n")


if __name__ == "__main__":
    main()
