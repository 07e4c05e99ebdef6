"""Mean field in a fully connected CRF, in torch, for the GPU: any number of photos at once."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from recycle_densecrf import DenseCrfOptions
from recycle_densecrf.meanfield import FLOOR
from recycle_densecrf.reach import check_reach
from recycle_densecrf.torchlattice import build, joined


@torch.inference_mode()
def mean_fields_on(
    device: str,
    images: Sequence[NDArray[np.uint8]],
    probabilities: Sequence[NDArray[np.float32]],
    settings: DenseCrfOptions,
) -> list[NDArray[np.float32]]:
    """Probabilities (K, H, W) float32 of each photo after the mean-field steps, which all photos make together.

    Args:
        device: torch device.
        images: at least one, (H, W, 3) uint8 RGB each, of any sizes.
        probabilities: (K, H, W) float32 each, of one K.
        settings: of the component.

    Raises:
        RecycleError: see `check_reach`.
    """
    for image in images:
        check_reach(image, 5, 1 / settings.bilateral_sdims, 1 / settings.bilateral_schan)
        check_reach(image, 2, 1 / settings.gaussian_sdims, 1.0)

    def given(array: NDArray[np.generic]) -> torch.Tensor:
        return torch.from_numpy(np.require(array, requirements=["C", "W"])).to(device)  # what is read-only is copied

    @cache
    def places(height: int, width: int) -> torch.Tensor:
        rows, columns = torch.meshgrid(
            torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij"
        )
        return torch.stack([columns, rows], 2).reshape(-1, 2).float()

    def near(image: NDArray[np.uint8]) -> torch.Tensor:
        colors = given(image).reshape(-1, 3).float()
        reached = places(*image.shape[:2]) / settings.bilateral_sdims, colors / settings.bilateral_schan
        return torch.cat(reached, 1)

    shapes = [image.shape[:2] for image in images]
    distinct = list(dict.fromkeys(shapes))
    lattices = build([*map(near, images), *(places(*shape) / settings.gaussian_sdims for shape in distinct)])
    around = dict(zip(distinct, lattices[len(images) :], strict=True))
    kernels = [
        (joined(lattices[: len(images)]), settings.bilateral_compat),
        (joined([around[shape] for shape in shapes]), settings.gaussian_compat),
    ]
    flat = [given(each).flatten(1).T for each in probabilities]
    unary = torch.cat(flat).clamp_(FLOOR, 1).log_()
    ones = unary.new_ones(len(unary), 1)
    norms = [(lattice.blur(ones) + 1e-20).rsqrt() for lattice, _ in kernels]
    result = unary.softmax(1)
    for _ in range(settings.iterations):
        score = unary.clone()
        for (lattice, weight), norm in zip(kernels, norms, strict=True):
            score += weight * norm * lattice.blur(result * norm)
        result = score.softmax(1)
    parts = result.split([len(each) for each in flat])  # type: ignore[no-untyped-call]
    return [part.T.reshape(each.shape).cpu().numpy() for part, each in zip(parts, probabilities, strict=True)]
