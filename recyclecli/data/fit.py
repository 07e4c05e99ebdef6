"""Fitting photos of any size into the square that the model trains on, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recyclecli.types import IGNORE, Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def fitted_size(height: int, width: int, size: int) -> tuple[int, int]:
    """Height and width of a photo scaled so that its longer side is `size`, at least 1 each."""
    scale = size / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def fit_image(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 scaled to fit into (size, size, 3), zeros to its right and below."""
    import numpy as np
    from PIL import Image

    height, width = fitted_size(image.shape[0], image.shape[1], size)
    if (height, width) != image.shape[:2]:
        image = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))
    if height == width == size:
        return image
    square = np.zeros((size, size, 3), np.uint8)
    square[:height, :width] = image
    return square


def fit_sample(sample: Sample, size: int) -> Sample:
    """A sample fitted into size x size: labels by nearest pixel, so no class is invented.

    Pixels outside of the photo are image 0, mask 255, instance 0.
    """
    import numpy as np

    rows, columns = sample.mask.shape
    height, width = fitted_size(rows, columns, size)
    take = np.ix_(_nearest(rows, height), _nearest(columns, width))
    mask = np.full((size, size), IGNORE, np.uint8)
    instances = np.zeros((size, size), np.int32)
    mask[:height, :width] = sample.mask[take]
    instances[:height, :width] = sample.instances[take]
    return Sample(fit_image(sample.image, size), mask, instances)


def _nearest(old: int, new: int) -> NDArray[np.int64]:
    """For each of `new` pixels the index of the one of `old` under its centre."""
    import numpy as np

    return ((np.arange(new) * 2 + 1) * old // (2 * new)).astype(np.int64)
