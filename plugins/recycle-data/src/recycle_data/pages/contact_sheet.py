"""Photos with their annotations drawn on them, as one picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from recycle_coco import has_background

from recycle_data.fonts import font
from recycle_data.letterbox import fitted_size, resize_image, resize_labels
from recycle_data.palette import Color
from recyclecli.printable import one_line
from recyclecli.types import IGNORE, Record, Source

SheetBox = tuple[float, float, float, float]

FILL_OPACITY, PATTERN_OPACITY = 0.30, 0.70  # opacity of an object's fill, and of its pattern
COVERED = 0.14  # of a photo may lie under names
GREY = (128, 128, 128)
TEXT_COLOR, PAPER, PLATE = (23, 33, 43), (255, 255, 255), (18, 24, 30)
GAP, CAPTION, SHEET_MARGIN = 14, 22, 20  # pixels between photos, of a file name's line, around the sheet


@dataclass(frozen=True, slots=True)
class VisibleObject:
    """The visible pixels of one object, or of the rest of a class that is no object.

    Attributes:
        label: its class; `IGNORE` for an ignored region.
        number: k for the k-th annotation, from 1; 0 for what is no object.
        id: the annotation's id, None where there is no annotation.
        area: visible pixels at the photo's own size.
        inside: (H, W) bool, at the size of the picture.
    """

    label: int
    number: int
    id: int | None
    area: int
    inside: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class AnnotatedPhoto:
    """A photo made small, and what it shows, the largest first.

    Attributes:
        record: what the source knows of it.
        image: (H, W, 3) uint8.
        objects: its objects; all lie within H x W.
    """

    record: Record
    image: NDArray[np.uint8]
    objects: tuple[VisibleObject, ...]


def _wave(y: Any, x: Any) -> Any:
    return (y + np.abs(x % 12 - 6)) % 8 < 2


PATTERNS: tuple[Callable[[Any, Any], Any], ...] = (
    lambda y, x: (x + y) % 8 < 2,  # stripes rising
    lambda y, x: (x % 8 - 3.5) ** 2 + (y % 8 - 3.5) ** 2 < 5,  # dots
    lambda y, x: (x % 10 < 2) | (y % 10 < 2),  # grid
    lambda y, x: (x - y) % 8 < 2,  # stripes falling
    lambda y, x: (y + x * 0) % 7 < 2,  # lying stripes
    lambda y, x: ((x + y) % 12 < 2) | ((x - y) % 12 < 2),  # lattice
    lambda y, x: (x + y * 0) % 7 < 2,  # standing stripes
    _wave,
    lambda y, x: (x // 5 + y // 5) % 2 == 0,  # checks
    lambda y, x: np.abs((x % 12 - 5.5) ** 2 + (y % 12 - 5.5) ** 2 - 14) < 8,  # rings
    lambda y, x: (
        (np.abs(x % 10 - 4.5) + np.abs(y % 10 - 4.5) < 4) & ((np.abs(x % 10 - 4.5) < 1) | (np.abs(y % 10 - 4.5) < 1))
    ),  # crosses
    lambda y, x: (y % 6 < 2) & ((x + y // 6 * 5) % 10 < 6),  # dashes
)
"""From row and column to whether the pattern has ink there; class k has pattern k - 1, in turn."""


def first_label(class_names: Sequence[str]) -> int:
    """The first label that is drawn: 1, or 0 where label 0 is no background."""
    return int(has_background(class_names))


def pattern_of(label: int) -> int:
    """Which of `PATTERNS` a class has."""
    return (label - 1) % len(PATTERNS)


def look(source: Source, index: int, longest: int, enlarge: bool = False) -> AnnotatedPhoto:
    """Read photo `index` and scale it: its longer side `longest` pixels at most, or exactly with `enlarge`.

    Raises:
        RecycleError: it cannot be read.
    """
    record, sample = source.record(index), source.read(index)
    height, width = sample.mask.shape
    if enlarge or max(height, width) > longest:
        height, width = fitted_size(height, width, longest)
    mask = resize_labels(sample.mask, height, width)
    instances = resize_labels(sample.instances, height, width)
    visible = np.zeros(int(sample.instances.max()) + 1, np.int64)
    loose = np.zeros(IGNORE + 1, np.int64)
    for labels, numbers in zip(sample.mask, sample.instances, strict=True):  # row by row: a huge photo would be copied
        visible += np.bincount(numbers, minlength=len(visible))
        loose += np.bincount(labels[numbers == 0], minlength=IGNORE + 1)
    objects = []
    for number in np.unique(instances[instances > 0]):
        inside = instances == number
        label = int(mask[inside][0])
        if label < first_label(source.class_names):
            continue
        known = number <= len(record.annotations)
        identity = record.annotations[number - 1].id if known else None
        objects.append(VisibleObject(label, int(number), identity, int(visible[number]), inside))
    for label in np.unique(mask[instances == 0]):
        if label >= first_label(source.class_names):
            inside = (mask == label) & (instances == 0)
            objects.append(VisibleObject(int(label), 0, None, int(loose[label]), inside))
    objects.sort(key=lambda each: -each.area)
    return AnnotatedPhoto(record, resize_image(sample.image, height, width), tuple(objects))


def draw(shown: AnnotatedPhoto, class_names: Sequence[str], colors: Sequence[Color], size: int = 13) -> Image.Image:
    """The photo with each object tinted, hatched, outlined and named; ignored regions hatched in grey.

    Args:
        shown: the photo.
        class_names: K names.
        colors: K RGB colours.
        size: of the names, in pixels.
    """
    pixels = shown.image.astype(np.float32)
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    anything = np.zeros(pixels.shape[:2], bool)
    for each in shown.objects:
        anything |= each.inside
    for each in shown.objects:
        fill(pixels, each.inside, each.label, colors, y, x)
    for each in shown.objects:
        inner, outer = _rims(each.inside)
        pixels[outer & ~anything] *= 0.35  # dark around the colour: the outline shows on any ground
        pixels[inner] = GREY if each.label == IGNORE else colors[each.label]
    image = Image.fromarray(pixels.astype(np.uint8))
    pen = ImageDraw.Draw(image, "RGBA")
    for each, text, (left, top, right, low) in names(shown.objects, class_names, image.height, image.width, size):
        pen.rounded_rectangle((left, top, right, low), 4, fill=(*PLATE, 225))
        swatch = (left + 4, top + 4, left + size, low - 4)
        pen.rectangle(swatch, fill=colors[each.label], outline=(255, 255, 255, 160))
        pen.text((left + size + 4, (top + low) / 2), text, (255, 255, 255), font(size, text), anchor="lm")
    return image


def names(
    objects: Sequence[VisibleObject], class_names: Sequence[str], height: int, width: int, size: int
) -> Iterator[tuple[VisibleObject, str, SheetBox]]:
    """Where to write which name in a photo: the box with room for a swatch on the left; none overlap.

    The largest object of each class comes first, then the others by size, until `COVERED` of the
    photo is under names; an object where no place is free has none.
    """
    taken: list[SheetBox] = []
    firsts = {each.label: place for place, each in reversed(list(enumerate(objects)))}
    for place in sorted(range(len(objects)), key=lambda place: (firsts[objects[place].label] != place, place)):
        each = objects[place]
        if each.label == IGNORE or sum((b[2] - b[0]) * (b[3] - b[1]) for b in taken) > COVERED * width * height:
            continue
        name = one_line(class_names[each.label])
        text = name if len(name) <= 16 else name[:15] + "…"
        box = _free_place(each.inside, font(size, text).getlength(text) + size + 9, size + 6, taken)
        if box is not None:
            taken.append(box)
            yield each, text, box


def fill(
    pixels: NDArray[np.float32], inside: NDArray[np.bool_], label: int, colors: Sequence[Color], y: Any, x: Any
) -> None:
    """Tint and hatch the pixels `inside` in place; `y` and `x` are their grids."""
    color = np.array(GREY if label == IGNORE else colors[label], np.float32)
    hatch = (x - y) % 6 < 2 if label == IGNORE else PATTERNS[pattern_of(label)](y, x)
    share = np.where(hatch, PATTERN_OPACITY, FILL_OPACITY).astype(np.float32)[inside][:, None]
    pixels[inside] = pixels[inside] * (1 - share) + color * share


def _rims(inside: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The two outermost rings of pixels inside, and the ring of pixels around."""

    def grown(area: NDArray[np.bool_]) -> NDArray[np.bool_]:
        padded = np.pad(area, 1)
        return padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:] | area

    outside = ~inside
    return inside & grown(grown(outside)), grown(inside) & outside


def _free_place(inside: NDArray[np.bool_], across: float, high: float, taken: Sequence[SheetBox]) -> SheetBox | None:
    """The first box for an object's name that lies in the photo and on no other."""
    height, width = inside.shape
    for left, top in _places(inside, across, high):
        left, top = min(max(left, 1), width - across - 1), min(max(top, 1), height - high - 1)
        box = (left, top, left + across, top + high)
        free = all(box[2] < o[0] or o[2] < box[0] or box[3] < o[1] or o[3] < box[1] for o in taken)
        if free and left >= 0 and top >= 0:
            return box
    return None


def _places(inside: NDArray[np.bool_], across: float, high: float) -> Iterator[tuple[float, float]]:
    """Corners for a name: within a large object at its heart, else above, below and beside it."""
    rows, columns = np.nonzero(inside)
    top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max()
    nearest_to = np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2)
    heart = columns[nearest_to] - across / 2, rows[nearest_to] - high / 2
    if right - left > across and bottom - top > 2 * high:
        yield heart
    middle = (left + right) / 2 - across / 2
    yield middle, top - high - 2
    yield middle, bottom + 3
    yield right + 3, (top + bottom - high) / 2
    yield left - across - 3, (top + bottom - high) / 2
    yield heart


def contact_sheet(
    source: Source, photos: Sequence[int], colors: Sequence[Color], columns: int, title: str
) -> Image.Image:
    """A legend, then the photos in rows with their names under them.

    Args:
        source: the photos.
        photos: indices of those to show.
        colors: K RGB colours.
        columns: photos in a row.
        title: the first line.

    Raises:
        RecycleError: a photo cannot be read.
    """
    columns = min(columns, len(photos))
    cell = min(max(1680 // columns, 220), 640)
    width = columns * (cell + GAP) - GAP + 2 * SHEET_MARGIN
    counts = np.zeros(IGNORE + 1, np.int64)
    pictures = []
    for index in photos:
        shown = look(source, index, cell, enlarge=True)
        for each in shown.objects:
            counts[each.label] += 1
        pictures.append(
            (draw(shown, source.class_names, colors, 12 if cell < 480 else 14), one_line(shown.record.file_name))
        )
    legend = _legend(source.class_names, colors, counts, width, one_line(title))
    rows = [pictures[start : start + columns] for start in range(0, len(pictures), columns)]
    heights = [max(picture.height for picture, _ in row) + CAPTION + GAP for row in rows]
    sheet = Image.new("RGB", (width, legend.height + sum(heights) + SHEET_MARGIN), PAPER)
    sheet.paste(legend, (0, 0))
    pen, top = ImageDraw.Draw(sheet), legend.height
    for row, height in zip(rows, heights, strict=True):
        for column, (picture, name) in enumerate(row):
            left = SHEET_MARGIN + column * (cell + GAP)
            sheet.paste(picture, (left, top))
            pen.text((left, top + picture.height + 4), _fitting(name, cell), TEXT_COLOR, font(13, name))
        top += height
    return sheet


def _fitting(name: str, width: float) -> str:
    """The end of a name that is `width` pixels wide at most: what tells files apart is at their end."""
    name = "".join(letter if letter.isprintable() else "?" for letter in name)
    shown = name
    while shown and font(13, name).getlength("…" + shown) > width:
        shown = shown[1:]
    return name if shown == name else "…" + shown


def _legend(
    class_names: Sequence[str], colors: Sequence[Color], counts: NDArray[np.int64], width: int, title: str
) -> Image.Image:
    """Colour, pattern, name and number of objects of each class, in lines `width` pixels wide."""
    labels = [*range(first_label(class_names), len(class_names)), *([IGNORE] if counts[IGNORE] else [])]
    entries, left, top = [], SHEET_MARGIN, SHEET_MARGIN + 34
    for label in labels:
        name = "ignored" if label == IGNORE else f"{one_line(class_names[label])} ({counts[label]})"
        name = name if len(name) <= 40 else name[:39] + "…"
        across = 44 + round(font(15, name).getlength(name)) + 26
        if left > SHEET_MARGIN and left + across > width - SHEET_MARGIN:
            left, top = SHEET_MARGIN, top + 34
        entries.append((label, name, left, top))
        left += across
    pixels = np.full((top + 44, width, 3), 255, np.float32)
    y, x = np.mgrid[: len(pixels), :width]
    for label, _, left, top in entries:
        inside = np.zeros(pixels.shape[:2], bool)
        inside[top : top + 24, left : left + 36] = True
        fill(pixels, inside, label, colors, y, x)
        pixels[_rims(inside)[0]] = GREY if label == IGNORE else colors[label]
    image = Image.fromarray(pixels.astype(np.uint8))
    pen = ImageDraw.Draw(image)
    pen.text(
        (SHEET_MARGIN, SHEET_MARGIN), _fitting(title, (width - 2 * SHEET_MARGIN) / 1.5), TEXT_COLOR, font(19, title)
    )
    for _, name, left, top in entries:
        pen.text((left + 44, top + 12), name, TEXT_COLOR, font(15, name), anchor="lm")
    return image
