"""Small islands of a label, and the holes within one."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from recycle_densecrf import FillHolesOptions, RemoveIslandsOptions
from recyclecli.types import PostprocessorContext


class RemoveIslands:
    """Gives each small connected region of a label to the nearest pixels that are in none."""

    def __init__(self, options: RemoveIslandsOptions, context: PostprocessorContext) -> None:
        self._smallest = options.area

    def __call__(self, image: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities (K, H, W) float32; a pixel of an island gets those of the nearest other one."""
        labels = probabilities.argmax(0)
        island = np.zeros(labels.shape, np.bool_)
        for label in np.unique(labels).tolist():
            regions, _ = ndimage.label(labels == label)
            small = np.bincount(regions.ravel()) < self._smallest * labels.size
            small[0] = False
            island |= small[regions]
        if island.all() or not island.any():
            return probabilities
        rows, columns = ndimage.distance_transform_edt(island, return_distances=False, return_indices=True)
        return np.ascontiguousarray(probabilities[:, rows, columns])


class FillHoles:
    """Gives the holes of an object to it: regions that one label other than `within` surrounds whole.

    Holes that are larger than `area` stay: one sees through a ring.
    """

    def __init__(self, options: FillHolesOptions, context: PostprocessorContext) -> None:
        self._largest = options.area

    def __call__(self, image: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities (K, H, W) float32; in a hole the surrounding label has taken over what the hole's had."""
        labels = probabilities.argmax(0)
        result = probabilities.copy()
        for label in np.unique(labels).tolist():
            if label == 0:  # what lies on the background is no hole
                continue
            regions, _ = ndimage.label(ndimage.binary_fill_holes(labels == label) & (labels != label))
            small = np.bincount(regions.ravel()) <= self._largest * labels.size
            small[0] = False
            rows, columns = np.nonzero(small[regions])
            own = labels[rows, columns]
            result[label, rows, columns] = probabilities[own, rows, columns]
            result[own, rows, columns] = probabilities[label, rows, columns]
        return result
