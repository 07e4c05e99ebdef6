"""Mean field in a fully connected CRF, on CPU threads."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recycle_densecrf.jit import Threads, compiled
from recycle_densecrf.lattice import Lattice

FLOOR = 1e-5  # of a probability, as pydensecrf's unary_from_softmax has it
FILLER_ENERGY = np.float32(1e4)  # energy of a channel that only fills up a row


def mean_field(
    threads: Threads,
    probabilities: NDArray[np.float32],
    appearance: tuple[Lattice, float],
    smoothness: tuple[Lattice, float],
    iterations: int,
) -> NDArray[np.float32]:
    """Probabilities (K, H, W) float32 after some mean-field steps.

    Each step, in one pass over the pixels: take the blurred probabilities from both lattices, add them
    to the unary scores by their weights (a Potts model), normalise, and give the result back to the
    lattices. Only the last step's probabilities are ever stored.

    Args:
        threads: at work.
        probabilities: (K, H, W) float32.
        appearance: the lattice of positions and colours, and the weight of its kernel.
        smoothness: the lattice of positions, and the weight of its kernel.
        iterations: at least 1.
    """
    classes, height, width = probabilities.shape
    pixels, channels = height * width, -(-classes // 4) * 4
    step = _kernels(channels)[2]
    energy = np.full((pixels, channels), FILLER_ENERGY, np.float32)
    energy[:, :classes] = -np.log(np.clip(probabilities, FLOOR, 1)).reshape(classes, pixels).T
    result = np.empty((pixels, channels), np.float32)
    fields = [_Field(lattice, weight, threads, channels) for lattice, weight in (appearance, smoothness)]
    for iteration in range(iterations + 1):
        first, last = iteration == 0, iteration == iterations

        def part(thread: int, start: int, stop: int, first: bool = first, last: bool = last) -> None:
            step(energy, start, stop, first, last, result, *fields[0].of(thread), *fields[1].of(thread))

        threads.each(pixels, part)
        for field in fields if not last else ():
            field.blur()
    return np.ascontiguousarray(result[:, :classes].T).reshape(classes, height, width)


class _Field:
    """The values at a lattice's vertices, and what each thread gives to them."""

    def __init__(self, lattice: Lattice, weight: float, threads: Threads, channels: int) -> None:
        self._lattice, self._threads = lattice, threads
        self._weight = np.float32(weight * lattice.alpha)
        self._gather_kernel, self._blur_kernel, _ = _kernels(channels)
        vertices = lattice.before.shape[1]
        self._old, self._new = np.zeros((2, vertices, channels), np.float32)
        self._given = np.zeros((threads.count, vertices, channels), np.float32)

    def of(self, thread: int) -> tuple[Any, ...]:
        """What a thread's pass over some pixels reads and writes."""
        lattice = self._lattice
        return lattice.index, lattice.weight, lattice.norm, self._old, self._given[thread], self._weight

    def blur(self) -> None:
        """Add up what the threads gave and blur it along each direction."""
        count = len(self._old) - 1
        self._threads.each(count, lambda _, start, stop: self._gather_kernel(self._given, start, stop, self._old))
        for direction in range(len(self._lattice.before)):
            before, after = self._lattice.before[direction], self._lattice.after[direction]
            self._blur_along(before, after, count)

    def _blur_along(self, before: NDArray[np.uint32], after: NDArray[np.uint32], count: int) -> None:
        old, new = self._old, self._new
        self._threads.each(count, lambda _, start, stop: self._blur_kernel(old, new, before, after, start, stop))
        self._old, self._new = new, old


@cache
def _kernels(channels: int) -> tuple[Callable[..., Any], ...]:
    """The inner loops, compiled for a fixed number of channels, which lets them use the CPU's vectors."""

    @compiled
    def blur(old, new, before, after, start, stop):  # type: ignore[no-untyped-def]
        for number in range(start + 1, stop + 1):
            left, right = before[number], after[number]
            for k in range(channels):
                new[number, k] = old[number, k] + np.float32(0.5) * (old[left, k] + old[right, k])

    @compiled
    def gather(given, start, stop, values):  # type: ignore[no-untyped-def]
        for number in range(start + 1, stop + 1):
            for k in range(channels):
                total = np.float32(0)
                for thread in range(len(given)):
                    total += given[thread, number, k]
                    given[thread, number, k] = 0
                values[number, k] = total

    @compiled
    def step(  # type: ignore[no-untyped-def]
        energy, start, stop, first, last, result,
        near, near_share, near_norm, own, gifts, near_weight,
        around, around_share, around_norm, smooth, presents, around_weight,
    ):  # fmt: skip
        score = np.empty(channels, np.float32)
        for p in range(start, stop):
            if first:
                for k in range(channels):
                    score[k] = -energy[p, k]
            else:
                s, t = near_weight * near_norm[p], around_weight * around_norm[p]
                a, b, c, d, e, f = near[p, 0], near[p, 1], near[p, 2], near[p, 3], near[p, 4], near[p, 5]
                g, h, i = around[p, 0], around[p, 1], around[p, 2]
                for k in range(channels):
                    score[k] = (
                        s
                        * (
                            near_share[p, 0] * own[a, k]
                            + near_share[p, 1] * own[b, k]
                            + near_share[p, 2] * own[c, k]
                            + near_share[p, 3] * own[d, k]
                            + near_share[p, 4] * own[e, k]
                            + near_share[p, 5] * own[f, k]
                        )
                        + t
                        * (
                            around_share[p, 0] * smooth[g, k]
                            + around_share[p, 1] * smooth[h, k]
                            + around_share[p, 2] * smooth[i, k]
                        )
                        - energy[p, k]
                    )
            largest = score[0]
            for k in range(1, channels):
                largest = max(largest, score[k])
            total = np.float32(0)
            for k in range(channels):  # exp(x) as exp(x / 128) ** 128, good to 1e-5 of itself, in vectors
                x = max(score[k] - largest, np.float32(-40)) * np.float32(1 / 128)
                y = np.float32(1 / 24) + x * (np.float32(1 / 120) + x * np.float32(1 / 720))
                y = np.float32(1) + x * (np.float32(1) + x * (np.float32(1 / 2) + x * (np.float32(1 / 6) + x * y)))
                y = y * y
                y = y * y
                y = y * y
                y = y * y
                y = y * y
                y = y * y
                y = y * y
                score[k] = y
                total += y
            if last:
                for k in range(channels):
                    result[p, k] = score[k] / total
                continue
            s, t = near_norm[p] / total, around_norm[p] / total
            for vertex in range(6):
                number, share = near[p, vertex], s * near_share[p, vertex]
                for k in range(channels):
                    gifts[number, k] += share * score[k]
            for vertex in range(3):
                number, share = around[p, vertex], t * around_share[p, vertex]
                for k in range(channels):
                    presents[number, k] += share * score[k]

    return gather, blur, step
