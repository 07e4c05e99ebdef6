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

from recycle_coco.rle import encode, run_bounds

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Loop = NDArray[np.int64]  # (N, 2): x, y of the corners, the first not repeated at the end

MAX_BRIDGE_DISTANCES = 50_000  # distances that are compared for one bridge at most
ALL_PAIRS, FEW_PAIRS = 2**23, 2**8  # and for all parts together, and at least for each


@dataclass(frozen=True, slots=True)
class _Joint:
    """A bridge from `place`, on the edge after a loop's corner, over `bend` to corner `start` of loop `child`."""

    place: tuple[int, int]
    bend: tuple[int, int]
    child: int
    start: int


_Joints = dict[int, dict[int, list[_Joint]]]  # by loop and corner


def mask_polygons(mask: NDArray[Any]) -> list[list[float]]:
    """The outlines of a mask as COCO polygons, one for each part, each with its holes.

    Args:
        mask: (H, W), non-zero inside.

    Returns:
        Lists x1, y1, x2, y2 ... of whole numbers; parts that touch at a corner only are separate.
        Empty for an empty mask. pycocotools makes exactly the mask of them.
    """
    return rle_polygons(encode(mask))


def mask_polygon(mask: NDArray[Any]) -> list[float]:
    """The outline of a mask as one polygon, its parts joined by bridges, too; see `rings`.

    Returns:
        x1, y1, x2, y2 ...; empty for an empty mask.
    """
    return rle_polygon(encode(mask))


def rle_polygons(rle: Mapping[str, Any]) -> list[list[float]]:
    """The outlines of an RLE's pixels; see `rings`. Time and memory are those of its outlines, however large it is."""
    traced = _traced(run_bounds(rle), rle["size"][0])
    return [_walked(traced, first) for first in traced.outer]


def rle_polygon(rle: Mapping[str, Any]) -> list[float]:
    """The outline of an RLE's pixels as one polygon; see `ring` and `outlines`."""
    traced = _traced(run_bounds(rle), rle["size"][0])
    _add_part_joints(traced)
    return _walked(traced, traced.outer[0]) if traced.outer else []


def shifted(polygon: Sequence[float], left: float, top: float) -> list[float]:
    """x1, y1, x2, y2 ... moved to the right and down."""
    return [value + (top if place % 2 else left) for place, value in enumerate(polygon)]


@dataclass(frozen=True, slots=True)
class _Traced:
    """The edges around pixels as `loops`, the pixels to the right of each; a bridge leads to every hole.

    `outer`: the places of those that are around a part, from left to right.
    """

    loops: list[Loop]
    joints: _Joints
    outer: list[int]


@dataclass(frozen=True, slots=True)
class _Edges:
    """Straight edges between pixels of a mask and others, along rows.

    Args:
        y: (N,) of each edge.
        ends: (N, 2) x of its left and its right end.
        above: (N,) whether it lies above pixels of the mask, not below.
        x: (M,) columns of pixels, ascending, each with ...
        units: (M,) an edge that crosses the column, from top to bottom.
    """

    y: NDArray[np.int64]
    ends: NDArray[np.int64]
    above: NDArray[np.bool_]
    x: NDArray[np.int64]
    units: NDArray[np.int64]


def _traced(bounds: NDArray[np.int64], height: int) -> _Traced:
    """The loops around the pixels whose `run_bounds` are given, of a mask of so many rows."""
    import numpy as np

    edges = _edges(bounds, height)
    ways = _ways(edges)
    loops = []
    owner, place = (np.zeros(len(edges.y), np.int64) for _ in range(2))  # of each edge, and its start's in the loop
    for number, way in enumerate(ways):
        owner[way], place[way] = number, 2 * np.arange(len(way))
        ends = np.where(edges.above[way, None], edges.ends[way], edges.ends[way, ::-1])
        loops.append(np.stack([ends.ravel(), edges.y[way].repeat(2)], 1))
    joints: _Joints = defaultdict(lambda: defaultdict(list))
    highest = [int(way[edges.y[way].argmin()]) for way in ways]
    for number, edge in enumerate(highest):
        if not edges.above[edge]:  # the loop of a hole, over which the mask lies
            x, y = edges.ends[edge, 0].item(), edges.y[edge].item()
            first, last = np.searchsorted(edges.x, (x, x + 1))
            over = edges.units[first + np.searchsorted(edges.y[edges.units[first:last]], y) - 1]
            joint = _Joint((x, edges.y[over].item()), (x, y), number, place[edge].item() + 1)
            joints[owner[over].item()][place[over].item()].append(joint)
    outer = [number for number, edge in enumerate(highest) if edges.above[edge]]
    return _Traced(loops, joints, sorted(outer, key=lambda number: tuple(loops[number].min(0))))


def _edges(bounds: NDArray[np.int64], height: int) -> _Edges:
    import numpy as np

    start, end = bounds.T
    columns = (end - 1) // height - start // height + 1
    last = np.cumsum(columns)
    x = np.arange(columns.sum()) - (last - columns).repeat(columns) + (start // height).repeat(columns)
    top, bottom = np.zeros(len(x), np.int64), np.full(len(x), height, np.int64)
    top[last - columns], bottom[last - 1] = start % height, (end - 1) % height + 1
    x, y = x.repeat(2), np.stack([top, bottom], 1).ravel()
    above = np.tile((True, False), len(top))
    order = np.lexsort((x, y, above))
    news = np.diff(x[order], prepend=-2) != 1
    news |= (np.diff(y[order], prepend=-1) != 0) | (np.diff(above[order].astype(np.int8), prepend=-1) != 0)
    firsts = order[news]
    lasts = order[np.roll(news, -1)]
    units = np.zeros(len(x), np.int64)
    units[order] = np.cumsum(news) - 1
    return _Edges(y[firsts], np.stack([x[firsts], x[lasts] + 1], 1), above[firsts], x, units)


def _ways(edges: _Edges) -> list[NDArray[np.int64]]:
    """The edges of each loop in their order, those above the mask to the right and those below it to the left.

    The corners of a column, from top to bottom, are the ends of its vertical edges by turns. Where two pixels touch at
    a corner, that corner is there twice, each with the edges of one of them.
    """
    import numpy as np

    count = len(edges.y)
    corners = np.arange(2 * count)  # of edge n the left end, 2 n, and the right one
    order = np.lexsort((edges.above.repeat(2), edges.y.repeat(2), edges.ends.ravel()))
    across = np.empty_like(corners)
    across[order[::2]], across[order[1::2]] = order[1::2], order[::2]
    following = (across[corners[::2] + edges.above] // 2).tolist()
    new, ways = [True] * count, []
    for first in range(count):
        way, edge = [], first
        while new[edge]:
            new[edge] = False
            way.append(edge)
            edge = following[edge]
        if way:
            ways.append(np.array(way))
    return ways


def _add_part_joints(traced: _Traced) -> None:
    """A bridge from each part but the first to the nearest corner of an earlier one."""
    import numpy as np

    parts = [traced.loops[number] for number in traced.outer]
    if not parts:
        return
    corners = np.concatenate(parts)
    owner = np.array(traced.outer).repeat([len(part) for part in parts])
    index = np.concatenate([np.arange(len(part)) for part in parts])
    known, pairs = len(parts[0]), max(FEW_PAIRS, min(MAX_BRIDGE_DISTANCES, ALL_PAIRS // len(parts)))
    for number, loop in zip(traced.outer[1:], parts[1:], strict=True):
        thin = max(1, len(loop) // 50)
        step = -(-known * len(loop) // (thin * pairs))
        distance = np.abs(corners[:known:step, None] - loop[None, ::thin]).sum(2)
        here, there = (int(place) for place in np.unravel_index(distance.argmin(), distance.shape))
        here, there = here * step, there * thin
        x, y = corners[here].tolist()
        joint = _Joint((x, y), (int(loop[there, 0]), y), number, there)
        traced.joints[int(owner[here])][int(index[here])].append(joint)
        known += len(loop)


@lru_cache(maxsize=2**16)
def _shared(number: int) -> int:
    """The same object for the same number: a set's polygons hold few numbers, many million times."""
    return number


def _walked(traced: _Traced, first: int) -> list[float]:
    """One line from the first corner of loop `first`, over every bridge and back."""
    way: list[float] = []
    stack = [_steps(traced, first, 0, False)]
    while stack:
        for step in stack[-1]:
            if isinstance(step, _Joint):
                stack.append(_steps(traced, step.child, step.start, True))
                break
            way += map(_shared, step)
        else:
            stack.pop()
    return way


def _steps(traced: _Traced, number: int, start: int, close: bool) -> Iterator[list[int] | _Joint]:
    """The corners of a loop from `start` on, x, y ..., with the bridges that leave from it; a joint is to be walked."""
    import numpy as np

    loop = traced.loops[number]
    way = np.roll(loop, -start, 0).ravel().tolist()
    hanging = traced.joints.get(number, {})
    done = 0
    for corner in sorted(hanging, key=lambda corner: (corner - start) % len(loop)):
        reached = 2 * ((corner - start) % len(loop)) + 2
        yield way[done:reached]
        done = reached
        x, y = way[reached - 2 : reached]
        for joint in sorted(hanging[corner], key=lambda joint: abs(joint.place[0] - x) + abs(joint.place[1] - y)):
            yield [*joint.place, *joint.bend]
            yield joint
            yield [*joint.bend, *joint.place]
    yield way[done:] + (way[:2] if close else [])
