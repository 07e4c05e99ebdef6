"""The figures of a data set as one HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from recyclecli.data.stats import LARGE, SMALL, Part, Stats, quantiles, size_groups
from recyclecli.printable import one_line
from recyclecli.report.figures import SOFT, STYLE, Color, rgb, svg
from recyclecli.report.render import render

WIDTH = 4.9  # inches of a figure: two fit side by side, one fits a phone
LOG_FROM = 50  # bars are drawn on a log axis when the longest is this many times the shortest


def stats_page(stats: Stats, title: str, colors: Sequence[Color]) -> str:
    """A self-contained page: no script, nothing loaded, light and dark.

    Args:
        stats: the figures.
        title: what the page is about, plain text.
        colors: RGB of each label.
    """
    labels = [label for label in range(len(stats.class_names)) if label or stats.pixels[0] or stats.objects[0]]
    counted = [label for label in labels if label or stats.objects[0]]
    shown = [label for label in labels if stats.images[label]]
    shares = stats.shares()

    def named(chosen: Sequence[int]) -> tuple[list[str], list[Color]]:
        return [stats.class_names[label] for label in chosen], [colors[label] for label in chosen]

    objects = bars([int(stats.objects[label]) for label in counted], *named(counted), "objects")
    pixels = bars([shares[label] * 100 for label in labels], *named(labels), "% of the pixels")
    return render(
        "stats.html.j2",
        title=title,
        stats=stats,
        shares=shares,
        labels=labels,
        groups=[(group, part_rows(stats, group)) for group in stats.splits],
        objects=Markup(objects),
        pixels=Markup(pixels),
        sizes=Markup(size_boxes([stats.areas[label] for label in counted], *named(counted))) if counted else None,
        matrix=Markup(together(stats.together[np.ix_(shown, shown)], named(shown)[0])) if shown else None,
        per_photo=Markup(histogram(stats.per_photo)),
        medians=[median(areas) for areas in stats.areas],
        groups_of=[size_groups(areas) for areas in stats.areas],
        photo_sizes=list(stats.sizes.items())[:6],
    )


def median(areas: NDArray[np.int64]) -> float | None:
    """The median side of a square of an object's area, in pixels; None where there are no objects."""
    return float(np.sqrt(np.median(areas))) if len(areas) else None


def part_rows(stats: Stats, group: Sequence[Part]) -> list[tuple[str, list[tuple[int, int, float | None]]]]:
    """Per class its name and, for each part, images, objects and the part's share of the group's objects."""
    totals = np.sum([part.objects for part in group], axis=0)
    return [
        (
            name,
            [
                (
                    int(part.images[label]),
                    int(part.objects[label]),
                    int(part.objects[label]) / int(totals[label]) if totals[label] else None,
                )
                for part in group
            ],
        )
        for label, name in enumerate(stats.class_names)
        if label or totals[0]
    ]


def bars(values: Sequence[float], names: Sequence[str], colors: Sequence[Color], unit: str) -> str:
    """One bar a class in its colour with its value; on a log axis where the values differ by far."""
    present = [value for value in values if value > 0]
    log = bool(present) and max(present) >= LOG_FROM * min(present)
    floor = min(present) / 2 if log else 0
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.34 * len(values) + 0.8), layout="constrained")
        axes = figure.subplots()
        places = range(len(values))[::-1]
        for place, value, color in zip(places, values, colors, strict=True):
            width = max(value - floor, 0)
            axes.barh(place, width, left=floor, color=rgb(color), edgecolor=SOFT, linewidth=0.7)
            axes.annotate(
                _number(value), (max(value, floor), place), xytext=(4, 0), textcoords="offset points", va="center"
            )
        if log:
            axes.set_xscale("log")
            axes.set_xlim(floor, max(present) * 8)
            _plain_ticks(axes)
        else:
            axes.set_xlim(0, max(present, default=1) * 1.2)
            axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.set_yticks(places, [_short(name) for name in names])
        axes.set_xlabel(unit + (", log scale" if log else ""))
        axes.tick_params(axis="y", left=False)
        return svg(figure, f"{unit} of each class")


def size_boxes(areas: Sequence[NDArray[np.int64]], names: Sequence[str], colors: Sequence[Color]) -> str:
    """Per class the middle half of its objects' areas as a box, 5 to 95 percent as whiskers, on a log axis."""
    keys = ("whislo", "q1", "med", "q3", "whishi")
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 0.34 * len(areas) + 0.9), layout="constrained")
        axes = figure.subplots()
        axes.set_xscale("log")
        places = range(len(areas))[::-1]
        for place, of_class, color in zip(places, areas, colors, strict=True):
            if len(of_class):
                box = dict(zip(keys, quantiles(of_class), strict=True))
                ink = {"color": STYLE["text.color"], "linewidth": 1}
                style = {"facecolor": rgb(color), "edgecolor": STYLE["text.color"], "linewidth": 0.8}
                narrow = box["q3"] < 1.1 * box["q1"]  # the median's line is all there is to see
                middle = {"color": STYLE["text.color"] if narrow else _contrast(color), "linewidth": 2}
                axes.bxp(
                    [{**box, "fliers": []}],
                    positions=[place],
                    widths=0.6,
                    orientation="horizontal",
                    patch_artist=True,
                    showfliers=False,
                    manage_ticks=False,
                    boxprops=style,
                    medianprops=middle,
                    whiskerprops=ink,
                    capprops=ink,
                )
        for limit, word in ((SMALL, "32²"), (LARGE, "96²")):
            axes.axvline(limit, color=STYLE["text.color"], linewidth=0.8, linestyle=":")
            axes.text(limit, 1.0, word, ha="center", va="bottom", transform=axes.get_xaxis_transform(), fontsize=9)
        _plain_ticks(axes)
        axes.set_yticks(places, [_short(name) for name in names])
        axes.set_ylim(-0.6, len(areas) - 0.4)
        axes.set_xlabel("area of an object in pixels, log scale")
        axes.tick_params(axis="y", left=False)
        return svg(figure, "Sizes of the objects of each class")


def together(matrix: NDArray[np.int64], names: Sequence[str]) -> str:
    """(K, K) photos that show both classes; the tint is the share of the row's photos."""
    totals = np.diag(matrix)[:, None]
    shares = np.divide(matrix * 100.0, totals, out=np.zeros(matrix.shape), where=totals > 0)
    side = 0.52 * len(names) + 2
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(min(side + 1.2, 14), min(side, 13)), layout="constrained")
        axes = figure.subplots()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=100, aspect="auto")
        size = 10 if matrix.max(initial=0) < 10_000 and len(names) <= 20 else 7
        for row, column in np.ndindex(shares.shape):
            if matrix[row, column]:
                color = "#ffffff" if shares[row, column] > 55 else "#10243d"
                axes.text(column, row, str(matrix[row, column]), ha="center", va="center", color=color, fontsize=size)
        short = [_short(name) for name in names]
        axes.set_xticks(range(len(names)), short, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(names)), short)
        axes.tick_params(length=0)
        return svg(figure, "Photos that show both classes")


def histogram(per_photo: NDArray[np.int64]) -> str:
    """How many photos hold how many objects."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
        axes = figure.subplots()
        top = int(per_photo.max(initial=0))
        edges = np.linspace(-0.5, top + 0.5, min(top + 1, 40) + 1).tolist()
        axes.hist(per_photo, edges, color="#0072b2", edgecolor=SOFT, linewidth=0.5)
        axes.set(xlabel="objects in a photo", ylabel="photos")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        return svg(figure, "Objects per photo")


def _plain_ticks(axes: Any) -> None:
    """Numbers as people write them on a log axis, where matplotlib would write formulas."""
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _number(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _contrast(color: Color) -> str:
    """Black or white, whichever stands out from `color`."""
    return "#000000" if np.dot(color, (0.299, 0.587, 0.114)) > 110 else "#ffffff"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def _short(name: str, longest: int = 18) -> str:
    name = one_line(name)
    return name if len(name) <= longest else name[: longest - 1] + "…"
