"""Photos of rare classes more often: repeat factor sampling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recycle_data.folds import class_counts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recyclecli.types import Source


def repeat_factors(source: Source, threshold: float) -> NDArray[np.float64]:
    """(photos,) how often each photo is drawn in an epoch, from 1: Gupta et al., "LVIS" (2019).

    Class c in a share f of the photos has the factor max(1, sqrt(threshold / f)); a photo has the
    largest factor of its classes. The background is no class here.

    Args:
        source: the training photos.
        threshold: share of photos below which a class is repeated, 0..1; 0 repeats none.

    Raises:
        RecycleError: a photo without annotations cannot be read.
    """
    import numpy as np

    shown = class_counts(source) > 0
    share = shown.mean(0)
    factor = np.maximum(1, np.sqrt(threshold / np.where(share > 0, share, np.inf)))
    factors: NDArray[np.float64] = np.where(shown, factor, 1.0).max(1)
    return factors
