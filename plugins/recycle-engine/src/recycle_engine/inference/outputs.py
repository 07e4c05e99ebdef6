"""What is written of a photo: its mask with a palette or without, an overlay, its probabilities, its confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from recycle_data.fonts import font
from recycle_data.letterbox import fitted_size, resize_image, resize_labels
from recycle_data.owned import Owned

from recycle_engine.inference.scores import Prediction
from recyclecli.errors import RecycleError, suggest
from recyclecli.printable import one_line

OVERLAY_OPACITY = 0.55  # of the colours in an overlay
OVERLAY = 2048  # largest side of an overlay in pixels, without its legend
LETTERS = 14  # height in pixels of the legend's
MAX_LEGEND_CHARACTERS = 40  # characters of a name in the legend

Output = Literal["masks", "gray", "overlays", "coco", "probabilities", "confidence"]
OUTPUTS: tuple[Output, ...] = get_args(Output)
SUFFIXES: dict[Output, str] = {
    "masks": ".png",
    "gray": ".png",
    "overlays": ".jpg",
    "probabilities": ".npz",
    "confidence": ".png",
}


def checked_outputs(names: Sequence[str]) -> tuple[Output, ...]:
    """The outputs of these names, each once.

    Raises:
        RecycleError: there is no such output.
    """
    for name in names:
        if name not in OUTPUTS:
            raise RecycleError(f"no output is called {name!r}", suggest(name, OUTPUTS))
    return tuple(output for output in OUTPUTS if output in names)


def write_outputs(
    owned: Owned,
    files: dict[Output, Path],
    photo: NDArray[np.uint8],
    said: Prediction,
    probabilities: NDArray[np.float16] | None,
    palette: NDArray[np.uint8],
    class_names: Sequence[str],
) -> None:
    """Write what is asked for of one photo.

    Args:
        owned: the folder of all.
        files: where each output goes; `coco`, one file for all photos, is none of them.
        photo: (H, W, 3) uint8 RGB.
        said: of it.
        probabilities: (K, h, w) float16, where they are asked for.
        palette: (K, 3) uint8 RGB.
        class_names: K names by label.
    """
    if "masks" in files:
        _save(owned, palette_image(said.labels, palette), files["masks"], "PNG", compress_level=1)
    if "gray" in files:
        _save(owned, Image.fromarray(said.labels), files["gray"], "PNG", compress_level=1)
    if "overlays" in files:
        found = np.unique(said.labels)
        colors = {class_names[label]: palette[label] for label in found.tolist() if label}  # the first is not tinted
        image = with_legend(overlay_image(photo, said.labels, palette), colors)
        _save(owned, image, files["overlays"], "JPEG", quality=90)
    if "confidence" in files:
        _save(owned, Image.fromarray(said.confidence), files["confidence"], "PNG", compress_level=1)
    if probabilities is not None:
        with owned.atomic_path(files["probabilities"]) as part, part.open("wb") as handle:
            np.savez_compressed(handle, probabilities=probabilities)


def palette_image(labels: NDArray[np.uint8], colors: NDArray[np.uint8]) -> Image.Image:
    """(H, W) labels as an image of mode P whose pixel values are the labels and show as `colors` (K, 3).

    The palette is filled up to 256 colours, so that a PNG of it has 8 bits a pixel: several readers take fewer for
    other values.
    """
    image = Image.fromarray(labels, mode="P")
    image.putpalette(colors.tobytes().ljust(768, b"\0"))
    return image


def overlay_image(photo: NDArray[np.uint8], labels: NDArray[np.uint8], colors: NDArray[np.uint8]) -> Image.Image:
    """The photo with every class but the first tinted in its colour, its outline drawn full.

    It is for looking at: a longer side above `OVERLAY` pixels is reduced to that.
    """
    if max(labels.shape) > OVERLAY:
        height, width = fitted_size(labels.shape[0], labels.shape[1], OVERLAY)
        photo, labels = resize_image(photo, height, width), resize_labels(labels, height, width)
    tint = colors[labels].astype(np.float32)
    share = np.where(labels > 0, np.where(outlines(labels), 1.0, OVERLAY_OPACITY), 0.0).astype(np.float32)[..., None]
    return Image.fromarray((photo * (1 - share) + tint * share).astype(np.uint8))


def with_legend(image: Image.Image, colors: Mapping[str, NDArray[np.uint8]]) -> Image.Image:
    """An image with the names of classes and their colours in lines below it; one narrower than a name is widened."""
    if not colors:
        return image
    names = [one_line(name) for name in colors]
    shown = [name if len(name) <= MAX_LEGEND_CHARACTERS else f"{name[: MAX_LEGEND_CHARACTERS - 1]}…" for name in names]
    line, gap = LETTERS + 8, LETTERS // 2
    across = [LETTERS + 3 * gap + round(font(LETTERS, name).getlength(name)) for name in shown]
    width = max(image.width, *across, 1)
    places, left, top = [], 0, 0
    for own in across:
        if left and left + own > width:
            left, top = 0, top + line
        places.append((left, image.height + top))
        left += own
    whole = Image.new("RGB", (width, image.height + top + line), "white")
    whole.paste(image, (0, 0))
    pen = ImageDraw.Draw(whole)
    for (x, y), name, color in zip(places, shown, colors.values(), strict=True):
        box = (x + gap, y + 4, x + gap + LETTERS, y + 4 + LETTERS)
        pen.rectangle(box, tuple(color.tolist()), "gray")
        pen.text((box[2] + gap, y + line / 2), name, "black", font(LETTERS, name), anchor="lm")
    return whole


def outlines(labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which pixels of (H, W) labels have another label above, below, left or right of them."""
    padded = np.pad(labels, 1, mode="edge")
    around = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    edge: NDArray[np.bool_] = np.any([labels != side for side in around], axis=0)
    return edge


def _save(owned: Owned, image: Image.Image, file: Path, form: str, **options: Any) -> None:
    with owned.atomic_path(file) as part:
        image.save(part, form, **options)
