"""Small islands of a label, and the holes within one."""

import numpy as np
from numpy.typing import NDArray
from recycle_coco import has_background
from scipy import ndimage

from recycle_densecrf import FillHolesOptions, RemoveIslandsOptions
from recycle_densecrf.regions import most_likely, regions_of
from recyclecli.types import PostprocessorContext


class RemoveIslands:
    """Gives each small connected region of a label to the nearest pixels that are in none."""

    def __init__(self, options: RemoveIslandsOptions, context: PostprocessorContext) -> None:
        self._smallest = options.area

    def __call__(self, image: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities (K, H, W) float32; a pixel of an island gets those of the nearest other one."""
        regions, _ = regions_of(most_likely(probabilities)[0])
        island = (np.bincount(regions.ravel()) < self._smallest * regions.size)[regions]
        if island.all() or not island.any():
            return probabilities
        rows, columns = ndimage.distance_transform_edt(island, return_distances=False, return_indices=True)
        return np.ascontiguousarray(probabilities[:, rows, columns])


class FillHoles:
    """Gives the holes of an object to it: regions that one label, not the background, surrounds whole.

    Holes that are larger than `area` stay: one sees through a ring. Of holes within holes the outer
    ones come first.
    """

    def __init__(self, options: FillHolesOptions, context: PostprocessorContext) -> None:
        self._largest = options.area
        self._first = int(has_background(context.class_names))

    def __call__(self, image: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities (K, H, W) float32; in a hole the surrounding label and the hole's have changed places."""
        labels = probabilities.argmax(0)
        result = probabilities.copy()
        holes: list[tuple[int, int, NDArray[np.intp], NDArray[np.intp]]] = []
        for label in range(self._first, len(probabilities)):
            inside = labels == label
            if not inside.any():
                continue
            regions, count = ndimage.label(ndimage.binary_fill_holes(inside) & ~inside)
            area = np.bincount(regions.ravel(), minlength=count + 1)
            for number, window in enumerate(ndimage.find_objects(regions), start=1):
                if area[number] <= self._largest * labels.size:
                    rows, columns = np.nonzero(regions[window] == number)
                    holes.append((int(area[number]), label, rows + window[0].start, columns + window[1].start))
        for _, label, rows, columns in sorted(holes, key=lambda hole: -hole[0]):
            around = labels[rows.min() - 1, columns[rows.argmin()]]
            if around != label:  # it was filled itself, as part of a larger hole
                continue
            own = labels[rows, columns]
            result[label, rows, columns], result[own, rows, columns] = (
                result[own, rows, columns],
                result[label, rows, columns],
            )
            labels[rows, columns] = label
        return result
