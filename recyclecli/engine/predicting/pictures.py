"""What is written of a photo: its mask with a palette, an overlay, its probabilities, its confidence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recyclecli.data.fit import fitted_size, resize_image, resize_labels
from recyclecli.engine.predicting.scores import Prediction
from recyclecli.errors import RecycleError, nearest
from recyclecli.owned import Owned

OPACITY = 0.55  # of the colours in an overlay
OVERLAY = 2048  # largest side of an overlay in pixels

Output = Literal["masks", "overlays", "coco", "probabilities", "confidence"]
OUTPUTS: tuple[Output, ...] = get_args(Output)
SUFFIXES: dict[Output, str] = {"masks": ".png", "overlays": ".jpg", "probabilities": ".npz", "confidence": ".png"}


def checked_outputs(names: Sequence[str]) -> tuple[Output, ...]:
    """The outputs of these names, each once.

    Raises:
        RecycleError: there is no such output.
    """
    for name in names:
        if name not in OUTPUTS:
            raise RecycleError(f"no output is called {name!r}", nearest(name, OUTPUTS))
    return tuple(output for output in OUTPUTS if output in names)


def write_pictures(
    owned: Owned,
    files: dict[Output, Path],
    photo: NDArray[np.uint8],
    said: Prediction,
    probabilities: NDArray[np.float16] | None,
    palette: NDArray[np.uint8],
) -> None:
    """Write what is asked for of one photo.

    Args:
        owned: the folder of all.
        files: where each output goes; `coco`, one file for all photos, is none of them.
        photo: (H, W, 3) uint8 RGB.
        said: of it.
        probabilities: (K, h, w) float16, where they are asked for.
        palette: (K, 3) uint8 RGB.
    """
    if "masks" in files:
        _save(owned, palette_image(said.labels, palette), files["masks"], "PNG", compress_level=1)
    if "overlays" in files:
        _save(owned, overlay_image(photo, said.labels, palette), files["overlays"], "JPEG", quality=90)
    if "confidence" in files:
        _save(owned, Image.fromarray(said.confidence), files["confidence"], "PNG", compress_level=1)
    if probabilities is not None:
        with owned.whole(files["probabilities"]) as part, part.open("wb") as handle:
            np.savez_compressed(handle, probabilities=probabilities)


def palette_image(labels: NDArray[np.uint8], colors: NDArray[np.uint8]) -> Image.Image:
    """(H, W) labels as an image of mode P whose pixel values are the labels and show as `colors` (K, 3)."""
    image = Image.fromarray(labels, mode="P")
    image.putpalette(colors.tobytes())
    return image


def overlay_image(photo: NDArray[np.uint8], labels: NDArray[np.uint8], colors: NDArray[np.uint8]) -> Image.Image:
    """The photo with every class but the first tinted in its colour, its outline drawn full.

    It is for looking at: a longer side above `OVERLAY` pixels is reduced to that.
    """
    if max(labels.shape) > OVERLAY:
        height, width = fitted_size(labels.shape[0], labels.shape[1], OVERLAY)
        photo, labels = resize_image(photo, height, width), resize_labels(labels, height, width)
    tint = colors[labels].astype(np.float32)
    share = np.where(labels > 0, np.where(outlines(labels), 1.0, OPACITY), 0.0).astype(np.float32)[..., None]
    return Image.fromarray((photo * (1 - share) + tint * share).astype(np.uint8))


def outlines(labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which pixels of (H, W) labels have another label above, below, left or right of them."""
    padded = np.pad(labels, 1, mode="edge")
    around = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    edge: NDArray[np.bool_] = np.any([labels != side for side in around], axis=0)
    return edge


def _save(owned: Owned, image: Image.Image, file: Path, form: str, **options: Any) -> None:
    with owned.whole(file) as part:
        image.save(part, form, **options)
