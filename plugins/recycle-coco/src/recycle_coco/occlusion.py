"""What is seen of shapes that lie over each other, from their runs alone: each pixel is painted once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bounds = NDArray[np.int64]  # (N, 2): first and one behind the last pixel of runs, ascending; see `run_bounds`
    V = TypeVar("V", bound=np.generic)

FILLED_PIXELS_PER_BAND = 2**22  # pixels that are filled in one go


def front(shapes: Sequence[Bounds]) -> tuple[Bounds, NDArray[np.int64]]:
    """The runs (N, 2) that are seen of shapes painted in this order, ascending, and (N,) the place of each's shape."""
    import numpy as np

    covered = np.zeros((0, 2), np.int64)
    seen, owners = [covered], [np.zeros(0, np.int64)]
    for place in reversed(range(len(shapes))):
        bare, covered = over(shapes[place], covered)
        seen.append(bare)
        owners.append(np.full(len(bare), place))
    runs, owner = np.concatenate(seen), np.concatenate(owners)
    order = np.argsort(runs[:, 0])
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
