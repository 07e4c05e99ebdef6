"""Mean field in a fully connected CRF, in torch, for the GPU; the lattice is that of `recycle_densecrf.lattice`."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from recycle_densecrf import DenseCrfOptions
from recycle_densecrf.meanfield import FLOOR
from recycle_densecrf.reach import BITS, check_reach


@dataclass(frozen=True, slots=True)
class TorchLattice:
    """The vertices of N pixels, M in all; number 0 is none of them and holds zeros.

    Attributes:
        index: (d + 1, N) int64, the pixels' vertices, 1 to M.
        weight: (d + 1, N, 1) float32, barycentric.
        before, after: (d + 1, M) int64, the neighbours along each direction; 0 where there is none.
    """

    index: torch.Tensor
    weight: torch.Tensor
    before: torch.Tensor
    after: torch.Tensor

    def blur(self, values: torch.Tensor) -> torch.Tensor:
        """(N, K) values of the pixels, blurred."""
        room = values.new_zeros(self.before.shape[1] + 1, values.shape[1])
        for index, weight in zip(self.index, self.weight, strict=True):
            room.index_add_(0, index, values * weight)
        for before, after in zip(self.before, self.after, strict=True):
            new = torch.zeros_like(room)
            torch.add(room[1:], room[before] + room[after], alpha=0.5, out=new[1:])
            room = new
        result = torch.zeros_like(values)
        for index, weight in zip(self.index, self.weight, strict=True):
            result.addcmul_(room[index], weight)
        return result / (1 + 2.0 ** (1 - len(self.before)))


def build(features: torch.Tensor) -> TorchLattice:
    """The lattice of N positions (N, d) float32, each divided by its kernel's reach."""
    dims = features.shape[1]
    above, bits = dims + 1, BITS // dims
    order = torch.arange(dims, device=features.device, dtype=torch.float32)
    scaled = features * (math.sqrt(2 / 3) * above / ((order + 2) * (order + 1)).sqrt())
    sums = scaled.flip(1).cumsum(1).flip(1)  # of this coordinate and all after it
    after = torch.cat([sums, sums.new_zeros(len(sums), 1)], 1)
    elevated = after.clone()
    elevated[:, 1:] -= scaled * (order + 1)
    q = (elevated / above).round()
    rest = elevated - q * above
    excess = q.sum(1, keepdim=True).long()
    later = torch.triu(torch.ones(above, above, dtype=torch.bool, device=features.device), 1)
    less = torch.where(later, rest[:, :, None] < rest[:, None, :], rest[:, :, None] <= rest[:, None, :])
    less &= ~torch.eye(above, dtype=torch.bool, device=features.device)
    rank = less.sum(2) + excess
    wrap = (rank < 0).long() - (rank > dims).long()
    rank, rest, q = rank + wrap * above, rest - wrap * above, q.long() + wrap
    share = rest / above
    barycentric = share.new_zeros(len(share), dims + 2)
    barycentric.scatter_add_(1, dims - rank, share).scatter_add_(1, dims - rank + 1, -share)
    barycentric[:, 0] += 1 + barycentric[:, dims + 1]
    place = torch.ones(dims, dtype=torch.int64, device=features.device) << (bits * torch.arange(dims, device=q.device))
    base = ((q[:, :dims] + (1 << (bits - 1))) * place).sum(1)
    codes = torch.stack(
        [
            base - ((rank[:, :dims] > dims - vertex) * place).sum(1) + (vertex << (bits * dims))
            for vertex in range(above)
        ]
    )
    known, index = codes.unique(return_inverse=True)
    remainder, unit, ones = known >> (bits * dims), 1 << (bits * dims), place.sum()
    up = torch.where(remainder < dims, known + unit, known - dims * unit + ones)
    down = torch.where(remainder > 0, known - unit, known + dims * unit - ones)
    steps = [*place, torch.zeros_like(place[0])]

    def numbers(wanted: torch.Tensor) -> torch.Tensor:
        found = torch.searchsorted(known, wanted).clamp_(max=len(known) - 1)
        return torch.where(known[found] == wanted, found + 1, 0)

    return TorchLattice(
        index + 1,
        barycentric[:, :above].T.contiguous()[:, :, None],
        torch.stack([numbers(down + step) for step in steps]),
        torch.stack([numbers(up - step) for step in steps]),
    )


@torch.inference_mode()
def mean_field_on(
    device: str, image: NDArray[np.uint8], probabilities: NDArray[np.float32], settings: DenseCrfOptions
) -> NDArray[np.float32]:
    """Probabilities (K, H, W) float32 after the mean-field steps, for an RGB image (H, W, 3) uint8.

    Raises:
        RecycleError: see `check_reach`.
    """
    check_reach(image, 5, 1 / settings.bilateral_sdims, 1 / settings.bilateral_schan)
    check_reach(image, 2, 1 / settings.gaussian_sdims, 1.0)
    classes, height, width = probabilities.shape
    rows, columns = torch.meshgrid(
        torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij"
    )
    places = torch.stack([columns, rows], 2).reshape(-1, 2).float()
    colors = torch.from_numpy(np.ascontiguousarray(image)).to(device).reshape(-1, 3).float()
    near = build(torch.cat([places / settings.bilateral_sdims, colors / settings.bilateral_schan], 1))
    kernels = [
        (near, settings.bilateral_compat),
        (build(places / settings.gaussian_sdims), settings.gaussian_compat),
    ]
    given = torch.from_numpy(np.ascontiguousarray(probabilities)).to(device).reshape(classes, -1).T
    unary = given.clamp(FLOOR, 1).log()
    ones = unary.new_ones(len(unary), 1)
    norms = [(lattice.blur(ones) + 1e-20).rsqrt() for lattice, _ in kernels]
    result = unary.softmax(1)
    for _ in range(settings.iterations):
        score = unary.clone()
        for (lattice, weight), norm in zip(kernels, norms, strict=True):
            score += weight * norm * lattice.blur(result * norm)
        result = score.softmax(1)
    moved: NDArray[np.float32] = result.T.reshape(classes, height, width).cpu().numpy()
    return moved
