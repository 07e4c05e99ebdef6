"""Objects of predicted labels: connected pieces with class, area, box and centroid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


@dataclass(frozen=True, slots=True)
class PredictedObject:
    """A connected piece of one class.

    Attributes:
        number: of its pixels in `Result.pieces`.
        label: of its class.
        name: of its class.
        area: in pixels.
        box: left, top, right and bottom in pixels; right and bottom are the first outside.
        centroid: x and y of the mean of its pixels' places, in pixels; the first pixel's middle is at (0.5, 0.5).
            It may lie outside of a hollow or bent object.
        confidence: the mean over its pixels, 0..1; None where it was not asked for.
    """

    number: int
    label: int
    name: str
    area: int
    box: tuple[int, int, int, int]
    centroid: tuple[float, float]
    confidence: float | None


def objects_of(
    labels: NDArray[np.uint8],
    pieces: NDArray[np.int32],
    class_names: Sequence[str],
    confidence: NDArray[np.float32] | None,
) -> list[PredictedObject]:
    """The pieces (H, W), numbered from 1, of labels (H, W): the largest first, and of one size in that order."""
    places = np.flatnonzero(pieces)
    numbers = pieces.ravel()[places]
    areas = np.bincount(numbers)
    rows, columns = np.divmod(places, labels.shape[1])
    across, down = (np.bincount(numbers, lines + 0.5) for lines in (columns, rows))
    classes = np.zeros(len(areas), np.uint8)
    classes[numbers] = labels.ravel()[places]
    sure = None if confidence is None else np.bincount(numbers, confidence.ravel()[places])
    boxes = ndimage.find_objects(pieces)
    return [
        PredictedObject(
            number,
            int(classes[number]),
            class_names[classes[number]],
            int(areas[number]),
            (lines[1].start, lines[0].start, lines[1].stop, lines[0].stop),
            (float(across[number] / areas[number]), float(down[number] / areas[number])),
            None if sure is None else float(sure[number] / areas[number]),
        )
        for number in map(int, np.argsort(-areas, kind="stable"))
        if areas[number] and (lines := boxes[number - 1])
    ]
