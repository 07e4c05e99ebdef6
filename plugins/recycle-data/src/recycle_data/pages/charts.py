"""The charts of a data set, laid out: what lies where, in units of an SVG. Templates draw them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recycle_data.fonts import font
from recycle_data.pages.axes import Axis, Tick, number
from recycle_data.palette import Color
from recycle_data.stats import LARGE_AREA, SMALL_AREA, quantiles
from recyclecli.printable import one_line

WIDTH = 380.0  # of a chart: two fit side by side, one fits a phone
SIZE = 12.0  # of its letters
ROW = 24.0  # height of a class
FOOT = 44.0  # below the rows: the ticks and the words under them
TOP = 18.0  # above the boxes: the limits of sizes
FIRST_TICK_PIXELS = 34.0  # left of an axis: half of the text of its first tick
MAX_NAME_LETTERS = 18  # letters of a name
WIDEST = 140.0  # a name, in units
LOG_FROM = 50  # bars are drawn on a log axis when the longest is this many times the shortest
MAX_HISTOGRAM_BINS = 40  # at most, of the histogram
MIN_HISTOGRAM_OBJECTS = 8  # objects in a photo: up to so many the histogram shows, however few there are


@dataclass(frozen=True, slots=True)
class Bar:
    """A class as a bar from the axis' start to `end`, `middle` units from the top, with its value behind it."""

    name: str
    color: str
    middle: float
    end: float
    value: str


@dataclass(frozen=True, slots=True)
class Bars:
    """One bar a class; `left` is where bars begin, `right` where the axis ends, `low` where the rows end."""

    title: str
    words: str
    height: float
    left: float
    right: float
    low: float
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Box:
    """A class as a box: places of the `stats.QUANTILES`, none without objects; `ink` is the colour of the middle."""

    name: str
    color: str
    middle: float
    places: tuple[float, ...]
    ink: str


@dataclass(frozen=True, slots=True)
class Boxes:
    """One box a class; `top` is where the rows begin, `limits` are those between groups of sizes."""

    title: str
    words: str
    height: float
    left: float
    right: float
    top: float
    low: float
    boxes: tuple[Box, ...]
    ticks: tuple[Tick, ...]
    limits: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """Two classes in a matrix: photos, and which part, 0 to 1, of the photos of the row's class they are."""

    left: float
    top: float
    text: str
    share: float


@dataclass(frozen=True, slots=True)
class Matrix:
    """Cells of `side` units below and right of each other; the names stand left and below."""

    title: str
    width: float
    height: float
    left: float
    side: float
    size: float
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A bar of the histogram."""

    left: float
    top: float
    width: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """Bars that stand on `low`."""

    title: str
    height: float
    left: float
    right: float
    top: float
    low: float
    columns: tuple[Column, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


def bars(values: Sequence[float], names: Sequence[str], colors: Sequence[Color], unit: str) -> Bars:
    """One bar a class in its colour with its value; on a log axis where the values differ by far.

    Args:
        values: 0 and more, of each class.
        names: of the classes.
        colors: RGB of the classes.
        unit: what is counted.
    """
    present = [value for value in values if value > 0]
    log = bool(present) and max(present) >= LOG_FROM * min(present)
    written = [number(value) for value in values]
    left = _left(names)
    right = round(WIDTH - 8 - max(map(_width, written), default=0), 1)
    axis = Axis(min(present) / 2 if log else 0, max(present, default=1), left, right, log)
    rows = zip(names, colors, values, written, strict=True)
    return Bars(
        title=f"{unit} of each class",
        words=unit + (", log scale" if log else ""),
        height=ROW * len(values) + FOOT,
        left=left,
        right=right,
        low=ROW * len(values),
        bars=tuple(
            Bar(_short(name), _hex(color), ROW * (place + 0.5), axis.at(value), text)
            for place, (name, color, value, text) in enumerate(rows)
        ),
        ticks=tuple(axis.ticks(4, whole=all(value == int(value) for value in values))),
    )


def size_boxes(areas: Sequence[NDArray[np.int64]], names: Sequence[str], colors: Sequence[Color]) -> Boxes:
    """Per class the middle half of its objects' areas as a box, 5 to 95 percent as whiskers, on a log axis.

    Args:
        areas: per class its objects' areas in pixels.
        names: of the classes.
        colors: RGB of the classes.
    """
    spreads = [quantiles(of_class) for of_class in areas]
    ends = [SMALL_AREA, LARGE_AREA, *(max(spread[end], 1) for spread in spreads if spread for end in (0, -1))]
    left, right = _left(names), _right(max(ends) * 1.4)
    axis = Axis(min(ends) / 1.4, max(ends) * 1.4, left, right, log=True)
    low = TOP + ROW * len(areas)
    boxes = []
    for place, (spread, name, color) in enumerate(zip(spreads, names, colors, strict=True)):
        places = tuple(axis.at(value) for value in spread)
        narrow = bool(places) and places[3] - places[1] < 4  # the median's line is all there is to see
        ink = "currentColor" if narrow else _contrast(color)
        boxes.append(Box(_short(name), _hex(color), TOP + ROW * (place + 0.5), places, ink))
    return Boxes(
        title="Sizes of the objects of each class",
        words="area of an object in pixels, log scale",
        height=low + FOOT,
        left=left,
        right=right,
        top=TOP,
        low=low,
        boxes=tuple(boxes),
        ticks=tuple(axis.ticks(5)),
        limits=(Tick(axis.at(SMALL_AREA), "32²"), Tick(axis.at(LARGE_AREA), "96²")),
    )


def together(matrix: NDArray[np.int64], names: Sequence[str]) -> Matrix:
    """(K, K) photos that show both classes; the share is that of the row's photos."""
    size = SIZE if len(names) <= 20 else 9.0
    widest = _width(str(matrix.max(initial=0)), size)
    side = max(round(widest + 4), 24 if size < SIZE else 44)
    short = [_short(name) for name in names]
    longest = max((_width(name, size) for name in short), default=0)
    left, low = round(longest + 8, 1), side * len(names)
    totals = np.diag(matrix)
    return Matrix(
        title="Photos that show both classes",
        width=left + low + 2,
        height=round(low + longest * 0.71 + size + 6, 1),  # the names below lean by 45 degrees
        left=left,
        side=side,
        size=size,
        rows=tuple(Tick(side * (place + 0.5), name) for place, name in enumerate(short)),
        columns=tuple(Tick(round(left + side * (place + 0.5), 1), name) for place, name in enumerate(short)),
        cells=tuple(
            Cell(
                round(left + side * column, 1),
                side * row,
                str(matrix[row, column]),
                round(float(matrix[row, column] / totals[row]), 3),
            )
            for row, column in np.argwhere((matrix > 0) & (totals[:, None] > 0)).tolist()
        ),
    )


def histogram(per_photo: NDArray[np.int64]) -> Histogram:
    """How many photos hold how many objects; a bar stands for one number, or for several where there are many."""
    most = int(per_photo.max(initial=0))
    step = -(-(most + 1) // MAX_HISTOGRAM_BINS)
    counts = np.bincount(per_photo // step)
    highest = max(int(counts.max(initial=0)), 1)
    left, right, top, low = round(_width(f"{highest:,}") + 30, 1), _right(max(most, MIN_HISTOGRAM_OBJECTS)), 8.0, 168.0
    across = Axis(-0.5, max(len(counts) * step, MIN_HISTOGRAM_OBJECTS + 1) - 0.5, left, right)
    up = Axis(0, highest, low, top)
    first = [across.at(place * step - 0.5) for place in range(len(counts) + 1)]
    return Histogram(
        title="Objects per photo",
        height=low + FOOT,
        left=left,
        right=right,
        top=top,
        low=low,
        columns=tuple(
            Column(first[place], up.at(count), round(first[place + 1] - first[place], 1))
            for place, count in enumerate(counts.tolist())
            if count
        ),
        across=tuple(across.ticks(8, whole=True)),
        up=tuple(up.ticks(5, whole=True)),
    )


def _left(names: Sequence[str]) -> float:
    """Where the rows of these names begin."""
    widest = max((_width(_short(name)) for name in names), default=0)
    return round(max(widest + 8, FIRST_TICK_PIXELS), 1)


def _right(most: float) -> float:
    """Where an axis ends whose last tick may say `most`: half of it stands beyond."""
    return round(WIDTH - 3 - _width(number(round(most))) / 2, 1)


def _width(text: str, size: float = SIZE) -> float:
    """How wide a text is at most, in units; browsers write it in a font that is no wider than DejaVu Sans."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    narrow = "".join(letter for letter in text if unicodedata.east_asian_width(letter) not in "WF")
    return size * (wide + font(100, narrow).getlength(narrow) / 100)


def _short(name: str) -> str:
    """A name in one line, of no more than `MAX_NAME_LETTERS` letters and `WIDEST` units."""
    name = one_line(name)
    for letters in range(MAX_NAME_LETTERS, 0, -1):
        shown = name if len(name) <= letters else name[: letters - 1] + "…"
        if _width(shown) <= WIDEST:
            return shown
    return "…"


def _hex(color: Color) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)


def _contrast(color: Color) -> str:
    """Black or white, whichever stands out from `color`."""
    return "#000000" if np.dot(color, (0.299, 0.587, 0.114)) > 110 else "#ffffff"
