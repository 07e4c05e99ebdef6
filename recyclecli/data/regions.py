"""Labels that are not divided into objects as objects: each connected region of a label is one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from recyclecli.coco.writer import Region
from recyclecli.types import IGNORE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def labelled_regions(labels: NDArray[np.uint8], background: bool) -> Iterator[Region]:
    """The connected regions (also over corners) of each label, then all that is ignored as one.

    Args:
        labels: (H, W), 255 = ignore.
        background: label 0 is no object.
    """
    import numpy as np
    from scipy import ndimage

    number = 0
    for label in np.flatnonzero(np.bincount(labels.ravel(), minlength=IGNORE + 1)).tolist():
        if label == 0 and background:
            continue
        inside = labels == label
        regions = inside.astype(np.int32) if label == IGNORE else ndimage.label(inside, np.ones((3, 3)))[0]
        for place, window in enumerate(ndimage.find_objects(regions), start=1):
            number += 1
            crowd = label == IGNORE
            yield Region(label, window[0].start, window[1].start, regions[window] == place, crowd, number)
