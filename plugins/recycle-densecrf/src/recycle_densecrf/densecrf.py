"""The fully connected CRF, from wheels alone."""

import numpy as np
import torch
from numpy.typing import NDArray

from recycle_densecrf import DenseCrfOptions
from recycle_densecrf.guard import small_objects
from recycle_densecrf.jit import Threads
from recycle_densecrf.lattice import Lattice, build
from recycle_densecrf.meanfield import mean_field
from recycle_densecrf.reference import mean_field_by_pydensecrf
from recycle_densecrf.torchfield import mean_field_on
from recyclecli.types import PostprocessorContext

MOST = 8  # threads that are used by themselves: each holds values of its own at every vertex


class DenseCrf:
    """Mean field in a fully connected CRF with a Gaussian and a bilateral kernel, and a guard for small objects.

    Kraehenbuehl and Koltun, "Efficient Inference in Fully Connected CRFs with Gaussian Edge
    Potentials" (2011). It says what pydensecrf says, to the rounding of its floats.
    """

    def __init__(self, options: DenseCrfOptions, context: PostprocessorContext) -> None:
        self._options = options
        device = options.device if options.device != "auto" else context.device
        self._device = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
        self._around: tuple[tuple[int, ...], Lattice] | None = None  # the same for photos of one size

    def __call__(self, image: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities (K, H, W) after the mean-field steps, for an RGB image (H, W, 3) uint8.

        Raises:
            RecycleError: a kernel reaches so little that the photo's positions cannot be told apart, or
                pydensecrf is asked for and is not there.
        """
        settings, image = self._options, np.require(image, np.uint8, ["C", "W"])
        if settings.implementation == "pydensecrf":
            result = mean_field_by_pydensecrf(image, probabilities, settings)
        elif self._device.startswith("cuda"):
            result = mean_field_on(self._device, image, probabilities, settings)
        else:
            result = self._on_threads(image, probabilities)
        kept = small_objects(probabilities, result, settings.guard_area, settings.guard_confidence)
        result[:, kept] = probabilities[:, kept]
        return result

    def _on_threads(self, image: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        settings = self._options
        with Threads(settings.threads or min(MOST, torch.get_num_threads())) as threads:
            if self._around is None or self._around[0] != image.shape:
                self._around = image.shape, build(threads, image, 2, 1 / settings.gaussian_sdims)
            near = build(threads, image, 5, 1 / settings.bilateral_sdims, 1 / settings.bilateral_schan)
            return mean_field(
                threads,
                probabilities,
                (near, settings.bilateral_compat),
                (self._around[1], settings.gaussian_compat),
                settings.iterations,
            )
