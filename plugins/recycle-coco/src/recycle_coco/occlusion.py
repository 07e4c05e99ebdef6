"""What is seen of shapes that lie over each other, from their runs alone: each pixel is painted once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bounds = NDArray[np.int64]  # (N, 2): first and one behind the last pixel of runs, ascending; see `run_bounds`
    Layer = tuple[Bounds, NDArray[np.int64]]  # runs that do not overlap, ascending, and the shape that each is of
    V = TypeVar("V", bound=np.generic)

FILLED_PIXELS_PER_BAND = 2**22  # pixels that are filled in one go


def front(shapes: Sequence[Bounds]) -> tuple[Bounds, NDArray[np.int64]]:
    """The runs (N, 2) that are seen of shapes painted in this order, ascending, and (N,) the place of each's shape.

    From the uppermost on, as many shapes at a time as have more runs than what is covered: few large ones hide the rest
    soon, and of many small ones none is compared with all.
    """
    import numpy as np

    covered, layers, end = (
        np.zeros((0, 2), np.int64),
        [(np.zeros((0, 2), np.int64), np.zeros(0, np.int64))],
        len(shapes),
    )
    while end:
        begin, runs = end, 0
        while begin and runs <= len(covered):
            begin -= 1
            runs += len(shapes[begin])
        if begin == end - 1:
            bare, covered = over(shapes[begin], covered)
            layers.append((bare, np.full(len(bare), begin)))
        else:
            layer = _stacked([(shapes[place], np.full(len(shapes[place]), place)) for place in range(begin, end)])
            layers.append(_bare(layer, covered))
            covered = over(layer[0], covered)[1]
        end = begin
    return _sorted(layers)


def _stacked(layers: list[Layer]) -> Layer:
    """What is seen of layers over each other, laid neighbour on neighbour until one is left."""
    while len(layers) > 1:
        pairs = zip(layers[::2], layers[1::2], strict=False)
        layers = [_sorted([_bare(lower, upper[0]), upper]) for lower, upper in pairs] + layers[len(layers) // 2 * 2 :]
    return layers[0]


def _bare(layer: Layer, covered: Bounds) -> Layer:
    """What is not covered of a layer: its runs, with their owners."""
    import numpy as np

    runs, owner = layer
    if not len(runs) or not len(covered):
        return layer
    begins = np.append(runs[0, 0], covered[:, 1])  # of the gaps between what is covered
    ends = np.append(covered[:, 0], max(runs[-1, 1], covered[-1, 1]))
    first = np.searchsorted(ends, runs[:, 0], "right")
    counts = np.maximum(np.searchsorted(begins, runs[:, 1]) - first, 0)  # gaps that each run reaches into
    run = np.arange(len(runs)).repeat(counts)
    gap = np.arange(len(run)) + (first - counts.cumsum() + counts).repeat(counts)
    bare = np.stack([np.maximum(runs[run, 0], begins[gap]), np.minimum(runs[run, 1], ends[gap])], 1)
    seen = bare[:, 1] > bare[:, 0]
    return bare[seen], owner[run[seen]]


def _sorted(layers: Sequence[Layer]) -> Layer:
    """Layers that do not overlap as one, ascending."""
    import numpy as np

    runs, owner = (np.concatenate(parts) for parts in zip(*layers, strict=True))
    order = np.argsort(runs[:, 0], kind="stable")
    return runs[order], owner[order]


def over(shape: Bounds, covered: Bounds) -> tuple[Bounds, Bounds]:
    """The runs of a shape that are not covered, and those that are covered with it."""
    import numpy as np

    points = np.concatenate([shape.ravel(), covered.ravel()])
    order = np.argsort(points, kind="stable")
    points, own, step = points[order], order < shape.size, 1 - order % 2 * 2
    inside, under = np.cumsum(step * own) > 0, np.cumsum(step * ~own) > 0
    last = np.append(points[1:] > points[:-1], True)[: len(points)]  # of several at one place, it says what follows
    points, inside, under = points[last], inside[last], under[last]
    return _runs(points, inside & ~under), _runs(points, inside | under)


def _runs(points: NDArray[np.int64], inside: NDArray[np.bool_]) -> Bounds:
    """The runs of the stretches, from each point to the next, that are inside; the last point begins none."""
    import numpy as np

    before = np.append(False, inside[:-1])[: len(inside)]
    return np.stack([points[inside & ~before], points[before & ~inside]], 1)


def filled(runs: Bounds, values: NDArray[V], ground: int, height: int, width: int) -> NDArray[V]:
    """(height, width) of `ground`, with each of (N,) values in its run."""
    import numpy as np

    found = np.empty((height, width), values.dtype)
    columns = max(1, FILLED_PIXELS_PER_BAND // height)
    for left in range(0, width, columns):
        right = min(left + columns, width)
        begin, end = left * height, right * height
        some = slice(*np.searchsorted(runs[:, 1], [begin], "right"), *np.searchsorted(runs[:, 0], [end]))
        lengths = np.diff(np.clip(runs[some], begin, end).ravel(), prepend=begin, append=end)
        band = np.full(len(lengths), ground, values.dtype)
        band[1::2] = values[some]
        found[:, left:right] = band.repeat(lengths).reshape(right - left, height).T
    return found
