"""Resizing photos and their labels, and framing them for a model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

from recyclecli.types import IGNORE, Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    L = TypeVar("L", bound=np.generic)

RESIZED_AT_A_TIME = 1024  # rows, then columns


def fitted_size(height: int, width: int, size: int) -> tuple[int, int]:
    """Height and width of a photo scaled so that its longer side is `size`, at least 1 each."""
    longest = max(height, width)
    return max(1, round(height * size / longest)), max(1, round(width * size / longest))


def resize_image(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 resized to (height, width, 3), bilinear with antialiasing, rows before columns.

    That order lets rows, then columns, be taken in bands, so that PIL makes no second copy of a huge photo. PIL's own
    choice of order differs by a rounding at most.
    """
    import numpy as np
    from PIL import Image

    if (height, width) == image.shape[:2]:
        return image
    if len(image) <= RESIZED_AT_A_TIME:
        return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))
    narrow = np.empty((len(image), width, 3), np.uint8)
    resized = np.empty((height, width, 3), np.uint8)
    for given, filled, axis in ((image, narrow, 0), (narrow, resized, 1)):
        for start in range(0, filled.shape[axis], RESIZED_AT_A_TIME):
            band = (slice(None),) * axis + (slice(start, start + RESIZED_AT_A_TIME),)
            sides = filled[band].shape[1::-1]
            filled[band] = np.asarray(Image.fromarray(given[band]).resize(sides, Image.Resampling.BILINEAR))
    return resized


def resize_labels(labels: NDArray[L], height: int, width: int) -> NDArray[L]:
    """(H, W) labels resized to (height, width) by nearest pixel, so no class is invented."""
    import numpy as np

    rows, columns = labels.shape
    return labels[np.ix_(_nearest(rows, height), _nearest(columns, width))]


def fit_image(image: NDArray[np.uint8], inner: tuple[int, int], frame: tuple[int, int]) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 resized to the height and width `inner`, in a `frame` with zeros to its right and below."""
    return _padded(resize_image(image, *inner), frame, 0)


def fit_sample(sample: Sample, inner: tuple[int, int], frame: tuple[int, int]) -> Sample:
    """A sample resized to the height and width `inner`, in a `frame` no smaller; see `framed`.

    Labels are resized by nearest pixel, so no class is invented.
    """
    mask, instances = resize_labels(sample.mask, *inner), resize_labels(sample.instances, *inner)
    return framed(Sample(resize_image(sample.image, *inner), mask, instances), frame)


def framed(sample: Sample, frame: tuple[int, int]) -> Sample:
    """A sample in the top left corner of a frame: outside of the photo are image 0, mask 255, instance 0."""
    return Sample(
        _padded(sample.image, frame, 0), _padded(sample.mask, frame, IGNORE), _padded(sample.instances, frame, 0)
    )


def crop_sample(
    sample: Sample, size: int, window: tuple[int, int], scale: tuple[float, float], chance: np.random.Generator
) -> Sample:
    """A window of a sample at a random scale and place, cut from the photo's own pixels.

    The scale is drawn log-uniformly from `scale`; at 1 the photo's longer side has `size` pixels. Where the scaled
    photo is smaller than the window, all of it is shown, and the rest is filled as in `framed`.
    """
    factor = math.exp(chance.uniform(math.log(scale[0]), math.log(scale[1])))
    height, width = sample.mask.shape
    scaled = fitted_size(height, width, max(1, round(size * factor)))
    rows, columns = _part(height, scaled[0], window[0], chance), _part(width, scaled[1], window[1], chance)
    part = Sample(sample.image[rows, columns], sample.mask[rows, columns], sample.instances[rows, columns])
    return fit_sample(part, (min(scaled[0], window[0]), min(scaled[1], window[1])), window)


def _part(old: int, new: int, side: int, chance: np.random.Generator) -> slice:
    """A random part of `old` pixels that fills `side` when they are scaled to `new`; all of them where new <= side."""
    length = max(1, round(old * min(new, side) / new))
    start = int(chance.integers(0, old - length, endpoint=True))
    return slice(start, start + length)


def _padded(array: NDArray[L], frame: tuple[int, int], value: int) -> NDArray[L]:
    """An array (h, w, ...) in the corner of a frame (H, W, ...) of a value."""
    import numpy as np

    height, width = array.shape[:2]
    if (height, width) == frame:
        return array
    padded = np.full((*frame, *array.shape[2:]), value, array.dtype)
    padded[:height, :width] = array
    return padded


def _nearest(old: int, new: int) -> NDArray[np.int64]:
    """For each of `new` pixels the index of the one of `old` under its centre."""
    import numpy as np

    return ((np.arange(new) * 2 + 1) * old // (2 * new)).astype(np.int64)
