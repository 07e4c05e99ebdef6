"""Where a rectangle of one picture comes to lie in another, and what is then seen through it.

All positions are integers, so labels are the same on every device; nothing here waits for one.
"""

from typing import NamedTuple

import torch
from torch.nn import functional as F

LEVELS = 4  # of half size each: as far as pictures are averaged before they are made smaller


class Pictures(NamedTuple):
    """Pictures of any sizes, one after the other in flat tensors, each also at half size, a quarter, an eighth.

    Attributes:
        values: (V,) colours, plane by plane; float in 0..1, or uint8.
        marks: (M,) int32, the number of the object at each pixel, row by row.
        starts: (LEVELS, J) int64, where each picture's first plane begins in `values`.
        origins: (J,) int64, where it begins in `marks`.
        heights, widths: (J,) int64, in pixels; those of level k are halved k times, rounded down.
    """

    values: torch.Tensor
    marks: torch.Tensor
    starts: torch.Tensor
    origins: torch.Tensor
    heights: torch.Tensor
    widths: torch.Tensor


def pictures_of(image: torch.Tensor, marks: torch.Tensor, smallest: float) -> Pictures:
    """A batch as `Pictures`.

    Args:
        image: (N, 3, H, W) float.
        marks: (N, H, W) int32.
        smallest: scale that they will be made smaller to; above 1/2 no smaller levels are needed.
    """
    count, _, height, width = image.shape
    levels = [image]
    for level in range(1, LEVELS):
        wanted = smallest * 2**level <= 1 and min(height, width) >= 2**level
        levels.append(F.avg_pool2d(levels[-1], 2) if wanted else image[:0])
    each = torch.arange(count, device=image.device)
    starts, begin = [], 0
    for part in levels:
        starts.append(begin + each * part[0].numel() if len(part) else torch.full_like(each, -1))
        begin += part.numel()
    values = image.reshape(-1) if begin == image.numel() else torch.cat([part.reshape(-1) for part in levels])
    sides = [torch.full_like(each, side) for side in (height, width)]
    return Pictures(values, marks.reshape(-1), torch.stack(starts), each * (height * width), *sides)


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


class Axis(NamedTuple):
    """One axis of the targets, seen from the rectangles: (N, P, L) each but `step`.

    Attributes:
        inside: bool, whether the rectangle reaches there.
        nearest: int64, the pixel's share of the flat index into `marks`.
        low, high: int64, the two neighbours' shares of the flat index into `values`.
        weight: float32 in 0..1, of the higher neighbour.
    """

    inside: torch.Tensor
    nearest: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor
    weight: torch.Tensor


class View(NamedTuple):
    """Placements, worked out for targets of one size."""

    down: Axis
    across: Axis
    origin: torch.Tensor  # (N, P) of the picture in `marks`
    start: torch.Tensor  # (N, P) of the picture's level in `values`
    plane: torch.Tensor  # (N, P) from one colour to the next


def view(pictures: Pictures, place: Placement, height: int, width: int) -> View:
    """The placements over targets of height x width pixels.

    A pixel shows the one of the rectangle that its centre falls on, exactly, in integers. Colours
    are bilinear between the four nearest centres; what is made smaller than half is read from
    the picture averaged to half size (a quarter, an eighth), so that it does not alias.
    """
    level = torch.zeros_like(place.picture)
    for step in range(1, LEVELS):
        fits = (place.rows << step <= place.height) & (place.columns << step <= place.width)
        level += fits & (level == step - 1) & (pictures.starts[step][place.picture] >= 0)
    sides = pictures.heights[place.picture], pictures.widths[place.picture]
    small = [(side >> level).clamp(min=1) for side in sides]
    one = torch.ones_like(level)
    by_row = place.top, place.height, place.rows, place.upside, sides[1], small[0], small[1]
    by_column = place.left, place.width, place.columns, place.mirrored, one, small[1], one
    axes = []
    for length, offset, plain, turned in ((height, place.y, by_row, by_column), (width, place.x, by_column, by_row)):
        chosen = [torch.where(place.transposed, second, first) for first, second in zip(plain, turned, strict=True)]
        axes.append(_axis(length, offset, level, *chosen))
    start = pictures.starts[level, place.picture]
    return View(*axes, pictures.origins[place.picture], start, small[0] * small[1])


def _axis(
    length: int,
    offset: torch.Tensor,
    level: torch.Tensor,
    begin: torch.Tensor,
    extent: torch.Tensor,
    scaled: torch.Tensor,
    backwards: torch.Tensor,
    stride: torch.Tensor,
    limit: torch.Tensor,
    small_stride: torch.Tensor,
) -> Axis:
    begin, extent, scaled, stride = (part[..., None] for part in (begin, extent, scaled, stride))
    level, limit, small_stride = (part[..., None] for part in (level, limit, small_stride))
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
    bounded = [torch.minimum(side.clamp(min=0), limit - 1) * small_stride for side in (low, low + 1)]
    return Axis(inside, nearest * stride, *bounded, weight)


def marks_seen(seen: View, slot: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(N, H, W) flat places in `marks` that rectangle `slot` shows at each pixel, and where it is: bool."""
    down, across = seen.down.nearest[:, slot, :, None], seen.across.nearest[:, slot, None, :]
    inside = seen.down.inside[:, slot, :, None] & seen.across.inside[:, slot, None, :]
    return seen.origin[:, slot, None, None] + down + across, inside


def painted(image: torch.Tensor, pictures: Pictures, seen: View, slots: torch.Tensor) -> torch.Tensor:
    """The targets with the colours that are seen through their rectangles, looked up for every pixel.

    Args:
        image: (N, 3, H, W) float targets.
        pictures: what is seen.
        seen: from `view`.
        slots: (N, H, W) int64, the rectangle at each pixel; -1 leaves it as it is.
    """
    sides = [torch.arange(side, device=image.device) for side in slots.shape]
    target, row, column = (grid.reshape(-1) for grid in torch.meshgrid(*sides, indexing="ij"))
    colors = _colors(pictures, seen, target, slots.clamp(min=0).reshape(-1), row, column)
    return torch.where((slots >= 0)[:, None], colors.view(3, *slots.shape).transpose(0, 1).to(image.dtype), image)


Window = tuple[slice, slice]  # rows and columns of a target


def windows(place: Placement, height: int, width: int) -> list[list[Window]]:
    """What each of the N x P rectangles reaches of its target of height x width pixels; perhaps nothing."""
    down = torch.where(place.transposed, place.columns, place.rows)
    across = torch.where(place.transposed, place.rows, place.columns)
    edges = [place.y, place.y + down, place.x, place.x + across]
    limits = [height, height, width, width]
    bounds = torch.stack([edge.clamp(0, limit) for edge, limit in zip(edges, limits, strict=True)], -1).tolist()
    return [[(slice(top, low), slice(left, right)) for top, low, left, right in photo] for photo in bounds]


def marks_in(seen: View, photo: int, slot: int, window: Window) -> torch.Tensor:
    """(h, w) flat places in `marks` that a rectangle shows in its window."""
    down, across = seen.down.nearest[photo, slot, window[0], None], seen.across.nearest[photo, slot, window[1]]
    return seen.origin[photo, slot] + down + across


def colors_in(pictures: Pictures, seen: View, photo: int, slot: int, window: Window) -> torch.Tensor:
    """(3, h, w) float32 colours that a rectangle shows in its window; the same as `painted` sees."""
    top, bottom, down = (part[photo, slot, window[0], None] for part in seen.down[2:])
    left, right, across = (part[photo, slot, window[1]] for part in seen.across[2:])
    start, plane = int(seen.start[photo, slot]), int(seen.plane[photo, slot])
    planes = pictures.values[start : start + 3 * plane].view(3, plane)

    def at(row: torch.Tensor, column: torch.Tensor) -> torch.Tensor:
        index = row + column
        return _float(planes.index_select(1, index.reshape(-1)).view(3, *index.shape))

    if not (down.any() or across.any()):
        return at(top, left)
    upper = torch.lerp(at(top, left), at(top, right), across)
    lower = torch.lerp(at(bottom, left), at(bottom, right), across)
    return torch.lerp(upper, lower, down)


def _colors(
    pictures: Pictures, seen: View, target: torch.Tensor, slot: torch.Tensor, row: torch.Tensor, column: torch.Tensor
) -> torch.Tensor:
    """(3, T) float32 colours in 0..1 of T pixels."""
    start, plane = seen.start[target, slot], seen.plane[target, slot]
    top, bottom, down = (part[target, slot, row] for part in seen.down[2:])
    left, right, across = (part[target, slot, column] for part in seen.across[2:])
    colors = []
    for color in range(3):
        base = start + color * plane
        places = [base + row + column for row in (top, bottom) for column in (left, right)]
        values = [_float(pictures.values[place]) for place in places]
        upper, lower = (torch.lerp(*values[step : step + 2], across) for step in (0, 2))
        colors.append(torch.lerp(upper, lower, down))
    return torch.stack(colors)


def _float(values: torch.Tensor) -> torch.Tensor:
    return values.float() / 255 if values.dtype == torch.uint8 else values.float()
