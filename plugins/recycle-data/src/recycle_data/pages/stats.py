"""The figures of a data set as one HTML page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from recycle_data.pages.charts import bars, histogram, size_boxes, together
from recycle_data.pages.render import render
from recycle_data.palette import Color
from recycle_data.stats import SplitPart, Stats, size_groups


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
        objects=objects,
        pixels=pixels,
        sizes=size_boxes([stats.areas[label] for label in counted], *named(counted)) if counted else None,
        matrix=together(stats.together[np.ix_(shown, shown)], named(shown)[0]) if shown else None,
        per_photo=histogram(stats.per_photo),
        medians=[median(areas) for areas in stats.areas],
        groups_of=[size_groups(areas) for areas in stats.areas],
        photo_sizes=list(stats.sizes.items())[:6],
    )


def median(areas: NDArray[np.int64]) -> float | None:
    """The median side of a square of an object's area, in pixels; None where there are no objects."""
    return float(np.sqrt(np.median(areas))) if len(areas) else None


def part_rows(stats: Stats, group: Sequence[SplitPart]) -> list[tuple[str, list[tuple[int, int, float | None]]]]:
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
