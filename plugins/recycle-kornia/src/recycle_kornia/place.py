"""Where a rectangle of one picture comes to lie in another, and what is then seen through it.

All positions are integers, so labels are the same on every device; nothing here waits for one.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

HALF_SIZE_LEVELS = 4  # of half size each: as far as pictures are averaged before they are made smaller
NO_LEVEL, LEVEL_LATER = -1, -2  # starts of a level that there is not, and of one that is made when it is asked for


class Pictures(NamedTuple):
    """Pictures of any sizes, one after the other in flat tensors, each also at half size, a quarter, an eighth.

    Attributes:
        values: colours, float in 0..1, or uint8: (3 V,) picture by picture, or (3, V) with no level left for later.
        marks: (M,) int32, the number of the object at each pixel, row by row.
        starts: (LEVELS, J) int64, the pixel that each picture begins with, or `NO_LEVEL`, or `LEVEL_LATER`.
        heights, widths: (J,) int64, in pixels; those of level k are halved k times, rounded down.
        made: picture and level to what was made later.
    """

    values: torch.Tensor
    marks: torch.Tensor
    starts: torch.Tensor
    heights: torch.Tensor
    widths: torch.Tensor
    made: dict[tuple[int, int], NDArray[Any]] = {}

    def complete(self, device: torch.device) -> "Pictures":
        """On a device, with every level that was left for later."""
        values, starts = [self.planes(picture, 0).reshape(3, -1) for picture in range(len(self.heights))], self.starts
        starts, begin = starts.clone(), len(self.marks)
        for level, picture in (starts == LEVEL_LATER).nonzero().tolist():
            values.append(self.planes(picture, level).reshape(3, -1))
            starts[level, picture] = begin
            begin += values[-1].shape[1]
        parts = torch.from_numpy(np.concatenate(values, 1)), self.marks, starts, *self[3:-1]
        return Pictures._make([*(part.to(device) for part in parts), {}])

    def planes(self, picture: int, level: int) -> NDArray[Any]:
        """(3, h, w) a picture at a level, as it is stored."""
        height, width = (max(1, int(side[picture]) >> level) for side in (self.heights, self.widths))
        start = int(self.starts[level, picture])
        if start >= 0:
            return self.values[3 * start : 3 * (start + height * width)].view(3, height, width).numpy()
        if (picture, level) not in self.made:
            self.made[picture, level] = halved(self.planes(picture, level - 1))
        return self.made[picture, level]

    def marks_of(self, picture: int) -> NDArray[Any]:
        """(h, w) the marks of a picture."""
        height, width = int(self.heights[picture]), int(self.widths[picture])
        start = int(self.starts[0, picture])
        return self.marks[start : start + height * width].view(height, width).numpy()


def halved(planes: NDArray[Any]) -> NDArray[Any]:
    """(3, h, w) colours at half size, each pixel the mean of four; uint8 is rounded."""
    _, height, width = planes.shape
    even = planes[:, : height // 2 * 2, : width // 2 * 2]
    if planes.dtype == np.uint8:
        even = even.astype(np.uint16)
    rows = even[:, ::2] + even[:, 1::2]
    total: NDArray[Any] = rows[:, :, ::2] + rows[:, :, 1::2]
    return ((total + 2) // 4).astype(np.uint8) if planes.dtype == np.uint8 else total * np.float32(0.25)


def pictures_of(image: torch.Tensor, marks: torch.Tensor, smallest: float, later: bool) -> Pictures:
    """A batch as `Pictures`.

    Args:
        image: (N, 3, H, W) float.
        marks: (N, H, W) int32.
        smallest: scale that they will be made smaller to; above 1/2 no smaller levels are needed.
        later: make a level when it is asked for; in float32 on the CPU alone.
    """
    image = image.float() if later else image
    count, _, height, width = image.shape
    each = torch.arange(count, device=image.device)
    levels, starts, begin = [image], [each * (height * width)], marks.numel()
    for level in range(1, HALF_SIZE_LEVELS):
        if smallest * 2**level > 1 or min(height, width) < 2**level:
            starts.append(torch.full_like(each, NO_LEVEL))
        elif later:
            starts.append(torch.full_like(each, LEVEL_LATER))
        else:
            levels.append(F.avg_pool2d(levels[-1], 2))
            pixels = levels[-1][0, 0].numel()
            starts.append(begin + each * pixels)
            begin += count * pixels
    values = image.reshape(-1) if later else torch.cat([planes for part in levels for planes in part.flatten(2)], 1)
    heights, widths = torch.full_like(each, height), torch.full_like(each, width)
    return Pictures(values, marks.reshape(-1), torch.stack(starts), heights, widths, {})


class Placement(NamedTuple):
    """P rectangles for each of N targets: each from a picture, scaled, perhaps turned, at a place.

    All are (N, P), the first nine int64, the others bool.

    Attributes:
        picture: index into the pictures.
        top, left, height, width: the rectangle there.
        rows, columns: what `height` and `width` are scaled to, at least 1.
        y, x: the target's row and column of its upper left corner, after turning; may be outside.
        transposed: rows become columns.
        upside, mirrored: the rectangle's own rows, or columns, run backwards.
    """

    picture: torch.Tensor
    top: torch.Tensor
    left: torch.Tensor
    height: torch.Tensor
    width: torch.Tensor
    rows: torch.Tensor
    columns: torch.Tensor
    y: torch.Tensor
    x: torch.Tensor
    transposed: torch.Tensor
    upside: torch.Tensor
    mirrored: torch.Tensor


class TargetAxis(NamedTuple):
    """One axis of the targets, seen from the rectangles: (N, P, L) each.

    Attributes:
        inside: bool, whether the rectangle reaches there.
        nearest: int64, the picture's row or column of the pixel that is shown.
        low, high: int64, the two neighbours of the picture's level.
        weight: float32 in 0..1, of the higher neighbour.
    """

    inside: torch.Tensor
    nearest: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor
    weight: torch.Tensor


class View(NamedTuple):
    """Placements, worked out for targets of one size: (N, P) each but the axes.

    Attributes:
        down, across: the targets' rows and columns.
        picture, level: what is shown, of `Pictures`.
        transposed: the targets' rows are the picture's columns.
    """

    down: TargetAxis
    across: TargetAxis
    picture: torch.Tensor
    level: torch.Tensor
    transposed: torch.Tensor


def view(pictures: Pictures, place: Placement, height: int, width: int) -> View:
    """The placements over targets of height x width pixels.

    A pixel shows the one of the rectangle that its centre falls on, exactly, in integers. Colours
    are bilinear between the four nearest centres; what is made smaller than half is read from
    the picture averaged to half size (a quarter, an eighth), so that it does not alias.
    """
    level = torch.zeros_like(place.picture)
    for step in range(1, HALF_SIZE_LEVELS):
        fits = (place.rows << step <= place.height) & (place.columns << step <= place.width)
        level += fits & (level == step - 1) & (pictures.starts[step][place.picture] != NO_LEVEL)
    small = [(side[place.picture] >> level).clamp(min=1) for side in (pictures.heights, pictures.widths)]
    by_row = place.top, place.height, place.rows, place.upside, small[0]
    by_column = place.left, place.width, place.columns, place.mirrored, small[1]
    axes: list[TargetAxis] = []
    for length, offset, plain, turned in ((height, place.y, by_row, by_column), (width, place.x, by_column, by_row)):
        chosen = [torch.where(place.transposed, second, first) for first, second in zip(plain, turned, strict=True)]
        axes.append(_axis(length, offset, level, *chosen))
    return View(axes[0], axes[1], place.picture, level, place.transposed)


def _axis(
    length: int,
    offset: torch.Tensor,
    level: torch.Tensor,
    begin: torch.Tensor,
    extent: torch.Tensor,
    scaled: torch.Tensor,
    backwards: torch.Tensor,
    limit: torch.Tensor,
) -> TargetAxis:
    begin, extent, scaled, level, limit = (part[..., None] for part in (begin, extent, scaled, level, limit))
    at = torch.arange(length, device=offset.device) - offset[..., None]
    inside = (at >= 0) & (at < scaled)
    at = torch.where(backwards[..., None], scaled - 1 - at, at).clamp(min=0)
    at = torch.minimum(at, scaled - 1)
    centre = (2 * at + 1) * extent  # twice the position times `scaled`
    nearest = begin + centre // (2 * scaled)
    unit = (2 * scaled) << level
    position = centre + 2 * begin * scaled - (scaled << level)  # the position times `unit`, less half a pixel
    low = torch.div(position, unit, rounding_mode="floor")
    weight = (position - low * unit).float() / unit.float()
    before, after = (torch.minimum(side.clamp(min=0), limit - 1) for side in (low, low + 1))
    return TargetAxis(inside, nearest, before, after, weight)


def marks_seen(pictures: Pictures, seen: View, slot: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(N, H, W) int32 places in `marks` that rectangle `slot` shows at each pixel, and where it is: bool."""
    picture, turned = seen.picture[:, slot, None, None], seen.transposed[:, slot, None, None]
    down, across = seen.down.nearest[:, slot, :, None], seen.across.nearest[:, slot, None, :]
    inside = seen.down.inside[:, slot, :, None] & seen.across.inside[:, slot, None, :]
    stride = pictures.widths[picture]
    row = pictures.starts[0][picture] + torch.where(turned, 1, stride) * down
    return row.int() + (torch.where(turned, stride, 1) * across).int(), inside


def looked_up(values: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """What flat (M,) or (K, M) values are at int32 places of any shape, which it is."""
    return values.index_select(-1, index.reshape(-1)).view(*values.shape[:-1], *index.shape)


def painted(image: torch.Tensor, pictures: Pictures, seen: View, slots: torch.Tensor) -> torch.Tensor:
    """The targets with the colours that are seen through their rectangles, looked up for every pixel.

    Args:
        image: (N, 3, H, W) float targets.
        pictures: what is seen; none of its levels may be left for later.
        seen: from `view`.
        slots: (N, H, W) int32, the rectangle at each pixel; -1 leaves it as it is.
    """
    width = (pictures.widths[seen.picture] >> seen.level).clamp(min=1)
    start = pictures.starts[seen.level, seen.picture][..., None]
    by_row, by_column = torch.where(seen.transposed, 1, width), torch.where(seen.transposed, width, 1)
    # what rows and columns of rectangles say is worked out for these, few as they are, before it is for each pixel
    down, *rows = _at_pixels(seen.down.weight, [start + by_row[..., None] * one for one in seen.down[2:4]], slots, 1)
    across, *columns = _at_pixels(
        seen.across.weight, [by_column[..., None] * one for one in seen.across[2:4]], slots, 2
    )
    corners = torch.stack(columns)[:, None] + torch.stack(rows)  # left and right, by top and bottom
    near = _float(looked_up(pictures.values, corners))
    sides = torch.lerp(near[:, :, 0], near[:, :, 1], down)
    colors = torch.lerp(sides[:, 0], sides[:, 1], across)
    return torch.where((slots >= 0)[:, None], colors.transpose(0, 1).to(image.dtype), image)


def _at_pixels(
    weight: torch.Tensor, places: Sequence[torch.Tensor], slots: torch.Tensor, axis: int
) -> Sequence[torch.Tensor]:
    """Weights and int32 places (N, P, L) of the rectangle at each pixel, in its row (axis 1) or its column (axis 2).

    Each is (N, H, W), or only as broad as it is where targets have one rectangle.
    """
    tables = torch.stack([weight.view(torch.int32), *(place.int() for place in places)])
    _, count, several, length = tables.shape
    if several == 1:
        found = tables[:, :, 0].unsqueeze(4 - axis)
    else:
        along = torch.arange(length, device=slots.device, dtype=torch.int32).unsqueeze(2 - axis)
        target = torch.arange(count, device=slots.device, dtype=torch.int32)[:, None, None] * (several * length)
        found = looked_up(tables.flatten(1), slots.clamp(min=0) * length + (target + along))
    return found[0].view(torch.float32), *found[1:]


TargetWindow = tuple[slice, slice]  # rows and columns of a target


def windows(place: Placement, height: int, width: int) -> list[list[TargetWindow]]:
    """What each of the N x P rectangles reaches of its target of height x width pixels; perhaps nothing."""
    down = torch.where(place.transposed, place.columns, place.rows)
    across = torch.where(place.transposed, place.rows, place.columns)
    edges = [place.y, place.y + down, place.x, place.x + across]
    limits = [height, height, width, width]
    bounds = torch.stack([edge.clamp(0, limit) for edge, limit in zip(edges, limits, strict=True)], -1).tolist()
    return [[(slice(top, low), slice(left, right)) for top, low, left, right in photo] for photo in bounds]


def in_threads(work: Callable[[int], None], count: int) -> None:
    """Do `work(0)` to `work(count - 1)` on as many threads as torch would take; work in numpy, torch has its own."""
    threads = min(count, torch.get_num_threads())
    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(count)))
    else:
        for number in range(count):
            work(number)


def labels_in(labels: NDArray[Any], seen: View, photo: int, slot: int, window: TargetWindow) -> NDArray[Any]:
    """(h, w) what a rectangle shows in its window of (H, W) labels of its picture."""
    rows, columns = seen.down.nearest[photo, slot, window[0]], seen.across.nearest[photo, slot, window[1]]
    turned = labels.T if seen.transposed[photo, slot] else labels
    shown: NDArray[Any] = np.take(np.take(turned, rows.numpy(), 0), columns.numpy(), 1)
    return shown


def colors_in(pictures: Pictures, seen: View, photo: int, slot: int, window: TargetWindow) -> NDArray[np.float32]:
    """(3, h, w) colours in 0..1 that a rectangle shows in its window; the same as `painted` sees."""
    top, bottom, down = (part[photo, slot, window[0]].numpy() for part in seen.down[2:])
    left, right, across = (part[photo, slot, window[1]].numpy() for part in seen.across[2:])
    planes = pictures.planes(int(seen.picture[photo, slot]), int(seen.level[photo, slot]))
    planes = planes.transpose(0, 2, 1) if seen.transposed[photo, slot] else planes
    if not len(top) or not len(left):
        return np.zeros((3, len(top), len(left)), np.float32)
    ends = min(left[0], left[-1]), max(right[0], right[-1])
    planes = planes[:, :, ends[0] : ends[1] + 1]
    columns = _between(planes, top, bottom, down[:, None], 1)
    return _between(columns, left - ends[0], right - ends[0], across, 2)


def _between(
    planes: NDArray[Any],
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    weight: NDArray[np.float32],
    axis: int,
) -> NDArray[np.float32]:
    """Rows (axis 1) or columns (axis 2), each between two of `planes`, in float32."""
    first = np.take(planes, low, axis)
    if not weight.any():
        return _in_float(first)
    first, step = _in_float(first), _in_float(np.take(planes, high, axis))
    step -= first
    step *= weight
    step += first
    return step


def _in_float(values: NDArray[Any]) -> NDArray[np.float32]:
    if values.dtype != np.uint8:
        return values.astype(np.float32, copy=False)
    floats: NDArray[np.float32] = np.divide(values, np.float32(255), dtype=np.float32)
    return floats


def _float(values: torch.Tensor) -> torch.Tensor:
    return values.float() / 255 if values.dtype == torch.uint8 else values.float()
