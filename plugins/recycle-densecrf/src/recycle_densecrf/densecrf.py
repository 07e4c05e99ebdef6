"""The fully connected CRF, from wheels alone."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray

from recycle_densecrf import DenseCrfOptions
from recycle_densecrf.guard import small_objects
from recycle_densecrf.jit import Threads
from recycle_densecrf.lattice import Lattice, build
from recycle_densecrf.meanfield import mean_field
from recycle_densecrf.reference import mean_field_by_pydensecrf
from recycle_densecrf.torchfield import mean_fields_on
from recyclecli.types import PostprocessorContext

MAX_THREADS = 8  # threads that are used by themselves: each holds values of its own at every vertex


class DenseCrf:
    """Mean field in a fully connected CRF with a Gaussian and a bilateral kernel, and a guard for small objects.

    Kraehenbuehl and Koltun, "Efficient Inference in Fully Connected CRFs with Gaussian Edge
    Potentials" (2011). It says what pydensecrf says, to the rounding of its floats.
    """

    def __init__(self, options: DenseCrfOptions, context: PostprocessorContext) -> None:
        self._options = options
        device = options.device if options.device != "auto" else context.device
        self._device = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
        self._threads = options.threads or min(MAX_THREADS, torch.get_num_threads())
        self._around: tuple[tuple[int, ...], Lattice] | None = None  # the same for photos of one size

    def __call__(self, image: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities (K, H, W) after the mean-field steps, for an RGB image (H, W, 3) uint8.

        Raises:
            RecycleError: a kernel reaches so little that the photo's positions cannot be told apart, or
                pydensecrf is asked for and is not there.
        """
        (result,) = self.batch([image], [probabilities])
        return result

    def batch(
        self, images: Sequence[NDArray[np.uint8]], probabilities: Sequence[NDArray[np.float32]]
    ) -> list[NDArray[np.float32]]:
        """What a call gives for each photo: a GPU takes all of them together, CPU threads one each."""
        if not images:
            return []
        settings = self._options
        images = [np.require(image, np.uint8, ["C", "W"]) for image in images]
        pairs = list(zip(images, probabilities, strict=True))
        if settings.implementation == "pydensecrf":
            results = [mean_field_by_pydensecrf(image, given, settings) for image, given in pairs]
        elif self._device.startswith("cuda"):
            results = mean_fields_on(self._device, images, probabilities, settings)
        else:
            results = self._on_threads(pairs)
        with ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(self._guarded, probabilities, results))

    def _guarded(self, before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
        kept = small_objects(before, after, self._options.guard_area, self._options.guard_confidence)
        after[:, kept] = before[:, kept]
        return after

    def _on_threads(self, pairs: Sequence[tuple[NDArray[np.uint8], NDArray[np.float32]]]) -> list[NDArray[np.float32]]:
        """A photo on each thread where there are several of about one size, else all threads on each in turn."""
        pixels = [given[0].size for _, given in pairs]
        at_once = min(self._threads, len(pairs))
        if 2 * sum(pixels) < at_once * max(pixels):
            at_once = 1
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(lambda pair: self._with(self._threads // at_once, *pair), pairs))

    def _with(self, count: int, image: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
        settings, around = self._options, self._around
        with Threads(count) as threads:
            if around is None or around[0] != image.shape:
                around = self._around = image.shape, build(threads, image, 2, 1 / settings.gaussian_sdims)
            near = build(threads, image, 5, 1 / settings.bilateral_sdims, 1 / settings.bilateral_schan)
            return mean_field(
                threads,
                probabilities,
                (near, settings.bilateral_compat),
                (around[1], settings.gaussian_compat),
                settings.iterations,
            )
