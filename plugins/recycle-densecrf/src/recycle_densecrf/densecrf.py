"""The fully connected CRF."""

import numpy as np
from numpy.typing import NDArray
from pydensecrf import densecrf
from pydensecrf.utils import unary_from_softmax

from recycle_densecrf import DenseCrfOptions
from recyclecli.types import PostprocessorContext


class DenseCrf:
    """Mean field in a fully connected CRF with a Gaussian and a bilateral kernel, by pydensecrf.

    Kraehenbuehl and Koltun, "Efficient Inference in Fully Connected CRFs with Gaussian Edge
    Potentials" (2011).
    """

    def __init__(self, options: DenseCrfOptions, context: PostprocessorContext) -> None:
        self._options = options

    def __call__(self, image: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities (K, H, W) after the mean-field steps, for an RGB image (H, W, 3) uint8."""
        settings = self._options
        labels, height, width = probabilities.shape
        field = densecrf.DenseCRF2D(width, height, labels)
        field.setUnaryEnergy(np.ascontiguousarray(unary_from_softmax(probabilities, clip=1e-5)))
        field.addPairwiseGaussian(sxy=settings.gaussian_sdims, compat=settings.gaussian_compat)
        field.addPairwiseBilateral(
            sxy=settings.bilateral_sdims,
            srgb=settings.bilateral_schan,
            rgbim=np.ascontiguousarray(image),
            compat=settings.bilateral_compat,
        )
        marginals = np.array(field.inference(settings.iterations), np.float32)
        return marginals.reshape(labels, height, width)
