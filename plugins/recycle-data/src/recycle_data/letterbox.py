"""Fitting photos of any size into the square that the model trains on, and back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

from recyclecli.types import IGNORE, Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    L = TypeVar("L", bound=np.generic)

RESIZED_ROWS = 1024  # rows that are resized at a time


def fitted_size(height: int, width: int, size: int) -> tuple[int, int]:
    """Height and width of a photo scaled so that its longer side is `size`, at least 1 each."""
    longest = max(height, width)
    return max(1, round(height * size / longest)), max(1, round(width * size / longest))


def resize_image(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 resized to (height, width, 3), bilinear with antialiasing, rows before columns.

    That order lets rows be taken in bands, so that PIL makes no second copy of a huge photo. PIL's
    own choice of order differs by a rounding at most.
    """
    import numpy as np
    from PIL import Image

    if (height, width) == image.shape[:2]:
        return image
    if len(image) <= RESIZED_ROWS:
        return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))
    bands = [image[top : top + RESIZED_ROWS] for top in range(0, len(image), RESIZED_ROWS)]
    narrow = [Image.fromarray(band).resize((width, len(band)), Image.Resampling.BILINEAR) for band in bands]
    whole = Image.fromarray(np.concatenate([np.asarray(band) for band in narrow]))
    return np.asarray(whole.resize((width, height), Image.Resampling.BILINEAR))


def resize_labels(labels: NDArray[L], height: int, width: int) -> NDArray[L]:
    """(H, W) labels resized to (height, width) by nearest pixel, so no class is invented."""
    import numpy as np

    rows, columns = labels.shape
    return labels[np.ix_(_nearest(rows, height), _nearest(columns, width))]


def fit_image(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 scaled to fit into (size, size, 3), zeros to its right and below."""
    return _framed_image(resize_image(image, *fitted_size(image.shape[0], image.shape[1], size)), size)


def fit_sample(sample: Sample, size: int) -> Sample:
    """A sample fitted into size x size: labels by nearest pixel, so no class is invented.

    Pixels outside of the photo are image 0, mask 255, instance 0.
    """
    height, width = sample.mask.shape
    return _framed(sample, *fitted_size(height, width, size), size)


def crop_sample(sample: Sample, size: int, scale: tuple[float, float], chance: np.random.Generator) -> Sample:
    """A size x size window of a sample at a random scale and place, cut from the photo's own pixels.

    The scale is drawn log-uniformly from `scale`; 1 is that of `fit_sample`. Where the scaled photo is
    smaller than the window, all of it is shown, and the rest is filled as in `fit_sample`.
    """
    factor = math.exp(chance.uniform(math.log(scale[0]), math.log(scale[1])))
    height, width = sample.mask.shape
    scaled_height, scaled_width = fitted_size(height, width, max(1, round(size * factor)))
    rows, columns = _part(height, scaled_height, size, chance), _part(width, scaled_width, size, chance)
    window = Sample(sample.image[rows, columns], sample.mask[rows, columns], sample.instances[rows, columns])
    return _framed(window, min(scaled_height, size), min(scaled_width, size), size)


def _part(old: int, new: int, size: int, chance: np.random.Generator) -> slice:
    """A random part of `old` pixels that fills `size` when they are scaled to `new`; all of them where new <= size."""
    length = max(1, round(old * min(new, size) / new))
    start = int(chance.integers(0, old - length, endpoint=True))
    return slice(start, start + length)


def fit_labels(
    mask: NDArray[np.uint8], instances: NDArray[np.int32], size: int
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """(H, W) mask and instances fitted into (size, size), as `fit_sample` does."""
    height, width = mask.shape
    return _framed_labels(mask, instances, *fitted_size(height, width, size), size)


def _framed(sample: Sample, height: int, width: int, size: int) -> Sample:
    """A sample resized to (height, width) in the corner of a size x size square."""
    labels = _framed_labels(sample.mask, sample.instances, height, width, size)
    return Sample(_framed_image(resize_image(sample.image, height, width), size), *labels)


def _framed_labels(
    mask: NDArray[np.uint8], instances: NDArray[np.int32], height: int, width: int, size: int
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    import numpy as np

    framed = np.full((size, size), IGNORE, np.uint8), np.zeros((size, size), np.int32)
    framed[0][:height, :width] = resize_labels(mask, height, width)
    framed[1][:height, :width] = resize_labels(instances, height, width)
    return framed


def _framed_image(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """An image in the corner of a black size x size square."""
    import numpy as np

    height, width = image.shape[:2]
    if height == width == size:
        return image
    square = np.zeros((size, size, 3), np.uint8)
    square[:height, :width] = image
    return square


def _nearest(old: int, new: int) -> NDArray[np.int64]:
    """For each of `new` pixels the index of the one of `old` under its centre."""
    import numpy as np

    return ((np.arange(new) * 2 + 1) * old // (2 * new)).astype(np.int64)
