"""The permutohedral lattice of `recycle_densecrf.lattice` in torch, for the GPU."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import torch

from recycle_densecrf.reach import BITS


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


def build(features: Sequence[torch.Tensor]) -> list[TorchLattice]:
    """The lattices of positions (N, d) float32 each, divided by their kernel's reach; the device is waited for once."""
    embedded = [_embed(each) for each in features]
    counts = torch.stack([each.number[-1] for each in embedded]).cpu().tolist()
    return [_lattice(each, count) for each, count in zip(embedded, counts, strict=True)]


class _Embedded(NamedTuple):
    """Positions (N, d) among vertices that are not counted yet.

    Attributes:
        codes: ((d + 1) N,) int64 of the vertices, ascending, each as often as a position has it.
        number: likewise, from 1 on, the same for equal codes.
        vertices, weight: `index` and `weight` of the `TorchLattice`.
    """

    codes: torch.Tensor
    number: torch.Tensor
    vertices: torch.Tensor
    weight: torch.Tensor


def _embed(features: torch.Tensor) -> _Embedded:
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
    ordered, order = codes.reshape(-1).sort()
    number = torch.cat([ordered.new_ones(1), (ordered.diff() > 0).long()]).cumsum(0)
    index = torch.empty_like(number).scatter_(0, order, number).view_as(codes)
    return _Embedded(ordered, number, index, barycentric[:, :above].T.contiguous()[:, :, None])


def _lattice(embedded: _Embedded, count: int) -> TorchLattice:
    dims = len(embedded.vertices) - 1
    bits = BITS // dims
    known = embedded.codes.new_empty(count + 1).scatter_(0, embedded.number, embedded.codes)[1:]
    place = 1 << (bits * torch.arange(dims, device=known.device))
    remainder, unit, ones = known >> (bits * dims), 1 << (bits * dims), place.sum()
    up = torch.where(remainder < dims, known + unit, known - dims * unit + ones)
    down = torch.where(remainder > 0, known - unit, known + dims * unit - ones)
    steps = [*place, torch.zeros_like(place[0])]

    def numbers(wanted: torch.Tensor) -> torch.Tensor:
        found = torch.searchsorted(known, wanted).clamp_(max=len(known) - 1)
        return torch.where(known[found] == wanted, found + 1, 0)

    return TorchLattice(
        embedded.vertices,
        embedded.weight,
        torch.stack([numbers(down + step) for step in steps]),
        torch.stack([numbers(up - step) for step in steps]),
    )


def joined(lattices: Sequence[TorchLattice]) -> TorchLattice:
    """Lattices of one dimension as one whose pixels are all of theirs, in order; their vertices stay apart."""
    starts = list(accumulate((each.before.shape[1] for each in lattices), initial=0))

    def moved(numbers: torch.Tensor, start: int) -> torch.Tensor:
        return torch.where(numbers > 0, numbers + start, 0)

    pairs = list(zip(lattices, starts, strict=False))
    return TorchLattice(
        torch.cat([each.index + start for each, start in pairs], 1),
        torch.cat([each.weight for each in lattices], 1),
        torch.cat([moved(each.before, start) for each, start in pairs], 1),
        torch.cat([moved(each.after, start) for each, start in pairs], 1),
    )
