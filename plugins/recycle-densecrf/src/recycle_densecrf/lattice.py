"""The permutohedral lattice: a Gaussian blur of any number of channels over positions in 2 or 5 dimensions.

Adams, Baek and Davis, "Fast High-Dimensional Filtering Using the Permutohedral Lattice" (2010), with
the scaling and the order of Kraehenbuehl and Koltun's code. Each pixel lies in a simplex of d + 1
vertices: its values are added to them by barycentric weights, the vertices are blurred along each of
d + 1 directions, and each pixel takes its value back from its own.

A vertex is an int64 code: d numbers q_i, shifted to be positive, and above them the remainder r;
coordinate i is (d + 1) q_i + r. The neighbours of a vertex are then one addition away.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recycle_densecrf.jit import Threads, compiled
from recycle_densecrf.reach import BITS, check_reach
from recycle_densecrf.table import add_all, grown, make_table, number_of


@dataclass(frozen=True, slots=True)
class Lattice:
    """The vertices of N pixels, M in all; number 0 is none of them and holds zeros.

    Attributes:
        index: (N, d + 1) uint32, the pixel's vertices, 1 to M.
        weight: (N, d + 1) float32, barycentric, summing to 1.
        before, after: (d + 1, M + 1) uint32, the neighbours along each direction; 0 where there is none.
        norm: (N,) float32, 1 / sqrt of the blur of ones; it goes in front of and behind the blur.
    """

    index: NDArray[np.uint32]
    weight: NDArray[np.float32]
    before: NDArray[np.uint32]
    after: NDArray[np.uint32]
    norm: NDArray[np.float32]

    @property
    def alpha(self) -> np.float32:
        """What a value taken from the vertices is multiplied with."""
        return np.float32(1 / (1 + 2.0 ** (1 - len(self.before))))


def build(threads: Threads, image: NDArray[np.uint8], dims: int, per_pixel: float, per_level: float = 1) -> Lattice:
    """The lattice of an image's pixels.

    Args:
        threads: at work; each makes the vertices of some rows, then they are joined.
        image: (H, W, 3) uint8.
        dims: 2 for (x, y), 5 for (x, y, red, green, blue).
        per_pixel: what x and y are multiplied with.
        per_level: what the colours are multiplied with.

    Raises:
        RecycleError: these are so large that a code cannot hold the numbers of a vertex.
    """
    height, width = image.shape[:2]
    check_reach(image, dims, per_pixel, per_level)
    index = np.empty((height * width, dims + 1), np.uint32)
    weight = np.empty((height * width, dims + 1), np.float32)
    own: dict[int, NDArray[np.int64]] = {}

    def part(thread: int, start: int, stop: int) -> None:
        own[thread] = _embed(image, dims, np.float32(per_pixel), np.float32(per_level), start, stop, index, weight)

    threads.each(height, part)
    codes, numbers = make_table(1 << (2 * sum(map(len, own.values()))).bit_length())
    known = np.empty(sum(map(len, own.values())), np.int64)
    count = 0
    renamed = {thread: np.empty(len(vertices), np.uint32) for thread, vertices in own.items()}
    for thread in sorted(own):
        count = add_all(codes, numbers, known, count, own[thread], renamed[thread])
    threads.each(height, lambda thread, start, stop: _rename(index[start * width : stop * width], renamed[thread]))
    before, after = np.zeros((2, dims + 1, count + 1), np.uint32)
    threads.each(count, lambda _, start, stop: _neighbours(codes, numbers, known, dims, start, stop, before, after))
    norm = np.empty(height * width, np.float32)
    ones = _blurred_ones(index, weight, before, after)
    lattice = Lattice(index, weight, before, after, norm)
    threads.each(len(norm), lambda _, start, stop: _norms(index, weight, ones * lattice.alpha, start, stop, norm))
    return lattice


@compiled
def _embed(image, dims, per_pixel, per_level, first_row, last_row, index, weight):  # type: ignore[no-untyped-def]
    """Fill `index` and `weight` of some rows; their vertices' codes, by the numbers used in `index`."""
    width = image.shape[1]
    bits, above = BITS // dims, np.int64(dims + 1)
    half = np.int64(1) << np.int64(bits - 1)
    factor = np.empty(dims, np.float32)
    for i in range(dims):
        factor[i] = math.sqrt(2 / 3) * above / math.sqrt((i + 2) * (i + 1)) * (per_pixel if i < 2 else per_level)
    codes, numbers = make_table(4096)
    known = np.empty(2048, np.int64)
    count = 0
    elevated, rest = np.empty(dims + 1, np.float32), np.empty(dims + 1, np.float32)
    q, rank, lower = np.empty(dims + 1, np.int64), np.empty(dims + 1, np.int64), np.empty(dims + 1, np.int64)
    barycentric = np.empty(dims + 2, np.float32)
    last_base, last_ranks = np.int64(-1), np.int64(-1)
    for place in range(first_row * width, last_row * width):
        y, x = place // width, place % width
        total = np.float32(0)
        for j in range(dims, 0, -1):  # onto the hyperplane whose coordinates sum to 0
            value = np.float32(x if j == 1 else y if j == 2 else image[y, x, j - 3]) * factor[j - 1]
            elevated[j] = total - np.float32(j) * value
            total += value
        elevated[0] = total
        excess = np.int64(0)
        for i in range(dims + 1):  # the nearest point of remainder 0
            rounded = np.rint(elevated[i] * np.float32(1 / above))
            q[i] = np.int64(rounded)
            rest[i] = elevated[i] - rounded * np.float32(above)
            excess += q[i]
            rank[i] = 0
        for i in range(dims):
            for j in range(i + 1, dims + 1):
                if rest[i] < rest[j]:
                    rank[i] += 1
                else:
                    rank[j] += 1
        base, ranks = np.int64(0), np.int64(0)
        barycentric[:] = 0
        for i in range(dims + 1):
            own = rank[i] + excess
            if own < 0:
                own += above
                q[i] += 1
                rest[i] -= np.float32(above)
            elif own > dims:
                own -= above
                q[i] -= 1
                rest[i] += np.float32(above)
            rank[i] = own
            share = rest[i] * np.float32(1 / above)
            barycentric[dims - own] += share
            barycentric[dims - own + 1] -= share
            ranks = (ranks << 3) | own
            if i < dims:
                base += (q[i] + half) << np.int64(bits * i)
        barycentric[0] += np.float32(1) + barycentric[dims + 1]
        for vertex in range(dims + 1):
            weight[place, vertex] = barycentric[vertex]
        if base == last_base and ranks == last_ranks:  # in the simplex of the pixel before
            for vertex in range(dims + 1):
                index[place, vertex] = index[place - 1, vertex]
            continue
        last_base, last_ranks = base, ranks
        lower[:] = 0
        for i in range(dims):
            lower[dims - rank[i]] += np.int64(1) << np.int64(bits * i)
        for vertex in range(dims + 1):
            code = base + (np.int64(vertex) << np.int64(bits * dims))
            base -= lower[vertex]
            number = number_of(codes, numbers, code, count)
            if number == count:
                known[count] = code
                count += 1
                if count == len(known):
                    codes, numbers, known = grown(known, count)
            index[place, vertex] = number
    return known[:count].copy()


@compiled
def _rename(index, renamed):  # type: ignore[no-untyped-def]
    """From the numbers of a part to those of the whole, from 1."""
    for place in range(index.shape[0]):
        for vertex in range(index.shape[1]):
            index[place, vertex] = renamed[index[place, vertex]] + 1


@compiled
def _neighbours(codes, numbers, known, dims, start, stop, before, after):  # type: ignore[no-untyped-def]
    """Fill the neighbours of the vertices start + 1 to stop."""
    bits = BITS // dims
    top = np.int64(bits * dims)
    unit = np.int64(1) << top
    ones = np.int64(0)
    for i in range(dims):
        ones += np.int64(1) << np.int64(bits * i)
    for number in range(start, stop):
        code = known[number]
        remainder = code >> top
        up = code + unit if remainder < dims else code - dims * unit + ones
        down = code - unit if remainder > 0 else code + dims * unit - ones
        for j in range(dims + 1):
            step = np.int64(1) << np.int64(bits * j) if j < dims else np.int64(0)
            before[j, number + 1] = number_of(codes, numbers, down + step, -1) + 1
            after[j, number + 1] = number_of(codes, numbers, up - step, -1) + 1


@compiled
def _blurred_ones(index, weight, before, after):  # type: ignore[no-untyped-def]
    """(M + 1,) what the vertices hold when every pixel gives 1."""
    old, new = np.zeros(before.shape[1], np.float32), np.zeros(before.shape[1], np.float32)
    for place in range(index.shape[0]):
        for vertex in range(index.shape[1]):
            old[index[place, vertex]] += weight[place, vertex]
    for j in range(before.shape[0]):
        for number in range(1, len(old)):
            new[number] = old[number] + np.float32(0.5) * (old[before[j, number]] + old[after[j, number]])
        old, new = new, old
    return old


@compiled
def _norms(index, weight, ones, start, stop, norm):  # type: ignore[no-untyped-def]
    for place in range(start, stop):
        total = np.float32(1e-20)
        for vertex in range(index.shape[1]):
            total += weight[place, vertex] * ones[index[place, vertex]]
        norm[place] = np.float32(1) / np.sqrt(total)
