"""Masks as polygons along pixel edges, holes included, that rasterise to the same pixels again.

A polygon of COCO or YOLO is one line without holes. A hole is therefore reached over a bridge that
is walked there and back, so that its two ways cancel; so are the parts of an object that must be
one line. Bridges run along rows and columns: pycocotools rasterises slanted lines by direction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from recycle_coco.rle import decode_box

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Loop = NDArray[np.int64]  # (N, 2): x, y of the corners, the first not repeated at the end

PAIRS = 50_000  # distances that are compared for one bridge at most


@dataclass(frozen=True, slots=True)
class _Joint:
    """A bridge from `place`, on the edge after a loop's corner, over `bend` to corner `start` of loop `child`."""

    place: tuple[int, int]
    bend: tuple[int, int]
    child: int
    start: int


_Joints = dict[tuple[int, int], list[_Joint]]  # by loop and corner


def rings(mask: NDArray[Any]) -> list[list[float]]:
    """The outlines of a mask as COCO polygons, one for each part, each with its holes.

    Args:
        mask: (H, W), non-zero inside.

    Returns:
        Lists x1, y1, x2, y2 ... of whole numbers; parts that touch at a corner only are separate.
        Empty for an empty mask. pycocotools makes exactly the mask of them.
    """
    parts = _parts(mask)
    loops = [loop for part in parts for loop in part]
    joints = _hole_joints(parts, loops)
    firsts = [sum(map(len, parts[:number])) for number in range(len(parts))]
    return [_walked(loops, joints, first) for first in firsts]


def ring(mask: NDArray[Any]) -> list[float]:
    """The outline of a mask as one polygon, its parts joined by bridges, too; see `rings`.

    Returns:
        x1, y1, x2, y2 ...; empty for an empty mask.
    """
    parts = _parts(mask)
    loops = [loop for part in parts for loop in part]
    joints = _hole_joints(parts, loops)
    _add_part_joints(joints, parts)
    return _walked(loops, joints, 0) if loops else []


def outlines(rle: Mapping[str, Any]) -> list[list[float]]:
    """The outlines of an RLE's pixels; see `rings`."""
    top, left, pixels = decode_box(rle)
    return [moved(polygon, left, top) for polygon in rings(pixels)]


def moved(polygon: Sequence[float], left: float, top: float) -> list[float]:
    """x1, y1, x2, y2 ... moved to the right and down."""
    return [value + (top if place % 2 else left) for place, value in enumerate(polygon)]


def _parts(mask: NDArray[Any]) -> list[list[Loop]]:
    """Each part of the mask, from left to right, as its outer loop and its holes."""
    import numpy as np
    import shapely

    rows, columns = (np.flatnonzero((mask != 0).any(axis)) for axis in (1, 0))
    if not len(rows):
        return []
    top, left = int(rows[0]), int(columns[0])
    window = mask[top : rows[-1] + 1, left : columns[-1] + 1] != 0
    edges = np.diff(np.pad(window, ((0, 0), (1, 1))).astype(np.int8))
    y, starts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]
    shape = shapely.simplify(shapely.union_all(shapely.box(starts, y, ends, y + 1)), 0)
    parts = [
        [
            np.add(np.asarray(line.coords)[:-1], (left, top)).astype(np.int64)
            for line in (part.exterior, *part.interiors)
        ]
        for part in shapely.get_parts(shape)
    ]
    return sorted(parts, key=lambda part: tuple(part[0].min(0)))


def _corners(line: Any) -> Loop:
    import numpy as np

    return np.asarray(line.coords)[:-1].astype(np.int64)


def _hole_joints(parts: list[list[Loop]], loops: list[Loop]) -> _Joints:
    """A bridge to every hole: from its leftmost corner along the row, through the mask, to the next edge.

    That edge is of a loop that reaches further left, so every hole hangs on its part's outer loop in the end.
    """
    joints: _Joints = defaultdict(list)
    if len(parts) == len(loops):
        return joints
    edges: dict[int, dict[int, tuple[int, int]]] = defaultdict(dict)  # row: column: loop and corner of the edge there
    for number, loop in enumerate(loops):
        corners = loop.tolist()
        for corner, ((x, y), (_, below)) in enumerate(zip(corners, corners[1:] + corners[:1], strict=True)):
            for row in range(min(y, below), max(y, below)):
                edges[row][x] = (number, corner)
    number = 0
    for part in parts:
        for inside, loop in enumerate(part):
            if inside:
                start = _leftmost(loop)
                x, y = loop[start].tolist()
                column = max(place for place in edges[y] if place < x)
                joints[edges[y][column]].append(_Joint((column, y), (x, y), number, start))
            number += 1
    return joints


def _leftmost(loop: Loop) -> int:
    """The upper corner of a hole's leftmost edge: the row below it is the hole's."""
    x, y = loop.T
    return int((x * (y.max() + 1) + y).argmin())


def _add_part_joints(joints: _Joints, parts: list[list[Loop]]) -> None:
    """A bridge from each part but the first to the nearest corner of an earlier one."""
    import numpy as np

    if not parts:
        return
    firsts = np.cumsum([0, *map(len, parts)])
    corners = np.concatenate([part[0] for part in parts])
    owner = np.concatenate([np.full(len(part[0]), first) for part, first in zip(parts, firsts, strict=False)])
    index = np.concatenate([np.arange(len(part[0])) for part in parts])
    known = len(parts[0][0])
    for first, (loop, *_) in zip(firsts[1:].tolist(), parts[1:], strict=False):
        thin = max(1, len(loop) // 50)
        step = -(-known * len(loop) // (thin * PAIRS))
        distance = np.abs(corners[:known:step, None] - loop[None, ::thin]).sum(2)
        here, there = (int(place) for place in np.unravel_index(distance.argmin(), distance.shape))
        here, there = here * step, there * thin
        x, y = corners[here].tolist()
        joints[int(owner[here]), int(index[here])].append(_Joint((x, y), (int(loop[there, 0]), y), first, there))
        known += len(loop)


@lru_cache(maxsize=2**16)
def _shared(number: int) -> int:
    """The same object for the same number: a set's polygons hold few numbers, many million times."""
    return number


def _walked(loops: list[Loop], joints: _Joints, first: int) -> list[float]:
    """One line from the first corner of loop `first`, over every bridge and back."""
    way: list[float] = []
    stack = [_steps(loops[first].tolist(), joints, first, 0, False)]
    while stack:
        for step in stack[-1]:
            if isinstance(step, _Joint):
                stack.append(_steps(loops[step.child].tolist(), joints, step.child, step.start, True))
                break
            way += map(_shared, step)
        else:
            stack.pop()
    return way


def _steps(
    corners: list[list[int]], joints: _Joints, number: int, start: int, close: bool
) -> Iterator[tuple[int, int] | _Joint]:
    """The corners of a loop from `start` on, with the bridges that leave from it; each joint is to be walked."""
    for corner in (*range(start, len(corners)), *range(start)):
        x, y = corners[corner]
        yield x, y
        hanging = joints.get((number, corner), ())
        for joint in sorted(hanging, key=lambda joint: abs(joint.place[0] - x) + abs(joint.place[1] - y)):
            yield joint.place
            yield joint.bend
            yield joint
            yield joint.bend
            yield joint.place
    if close:
        yield corners[start][0], corners[start][1]
