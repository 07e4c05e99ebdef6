"""The fully connected CRF by pydensecrf, which ours is measured against."""

import numpy as np
from numpy.typing import NDArray

from recycle_densecrf import DenseCrfOptions
from recyclecli.types import RecycleError


def mean_field_by_pydensecrf(
    image: NDArray[np.uint8], probabilities: NDArray[np.float32], settings: DenseCrfOptions
) -> NDArray[np.float32]:
    """Probabilities (K, H, W) after the mean-field steps, for a writable RGB image (H, W, 3) uint8.

    Raises:
        RecycleError: pydensecrf is not installed.
    """
    try:
        from pydensecrf import densecrf
        from pydensecrf.utils import unary_from_softmax
    except ImportError as error:
        raise RecycleError(
            f"densecrf: pydensecrf cannot be imported: {error}",
            "pip install pydensecrf2, or leave out implementation=pydensecrf",
        ) from error
    labels, height, width = probabilities.shape
    field = densecrf.DenseCRF2D(width, height, labels)
    field.setUnaryEnergy(np.ascontiguousarray(unary_from_softmax(probabilities, clip=1e-5)))
    field.addPairwiseGaussian(sxy=settings.gaussian_sdims, compat=settings.gaussian_compat)
    field.addPairwiseBilateral(
        sxy=settings.bilateral_sdims,
        srgb=settings.bilateral_schan,
        rgbim=image,
        compat=settings.bilateral_compat,
    )
    return np.array(field.inference(settings.iterations), np.float32).reshape(labels, height, width)
