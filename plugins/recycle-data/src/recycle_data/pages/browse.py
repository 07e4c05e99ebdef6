"""Photos with their annotations as one HTML page to look around in: no script, nothing loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from markupsafe import Markup
from numpy.typing import NDArray

from recycle_data.pages.contact_sheet import VisibleObject, first_label, look, names, pattern_of
from recycle_data.pages.data_uri import jpeg_uri
from recycle_data.pages.render import render
from recycle_data.palette import Color
from recyclecli.types import IGNORE, Source

BROWSED_SIDE = 640  # pixels of a photo's longer side
OUTLINE_TOLERANCE = 0.75  # pixels by which a drawn outline may leave the true one

# Tiles of the patterns, in the order of sheet.PATTERNS: side, and what is drawn in it with the class's colour.
TILES: tuple[tuple[int, str], ...] = (
    (8, '<path d="M-2 2L2 -2M0 8L8 0M6 10L10 6"/>'),
    (8, '<circle cx="4" cy="4" r="1.4"/>'),
    (10, '<path d="M0 5H10M5 0V10"/>'),
    (8, '<path d="M6 -2L10 2M0 0L8 8M-2 6L2 10"/>'),
    (7, '<path d="M0 3.5H7"/>'),
    (12, '<path d="M0 0L12 12M12 0L0 12"/>'),
    (7, '<path d="M3.5 0V7"/>'),
    (12, '<path fill="none" d="M0 7L6 1L12 7"/>'),
    (10, '<path stroke="none" d="M0 0H5V5H0ZM5 5H10V10H5Z"/>'),
    (12, '<circle cx="6" cy="6" r="3.4" fill="none"/>'),
    (10, '<path d="M2 5H8M5 2V8"/>'),
    (12, '<path d="M0 3H7M6 9H13M0 9H1"/>'),
)


@dataclass(frozen=True, slots=True)
class DrawnObject:
    """An object on the page.

    Attributes:
        label: its class, `IGNORE` for an ignored region.
        path: its outline, as the `d` of an SVG path, filled even-odd.
        about: what it is, shown when the pointer rests on it.
    """

    label: int
    path: str
    about: str


def browse_page(source: Source, photos: Sequence[int], colors: Sequence[Color], title: str) -> str:
    """The page.

    Args:
        source: the photos.
        photos: indices of those to show.
        colors: K RGB colours.
        title: plain text.

    Raises:
        RecycleError: a photo cannot be read.
    """
    entries, counts = [], np.zeros(IGNORE + 1, np.int64)
    for index in photos:
        shown = look(source, index, BROWSED_SIDE)
        objects = [draw_object(each, source.class_names) for each in shown.objects]
        for each in shown.objects:
            counts[each.label] += 1
        height, width = shown.image.shape[:2]
        letters = max(6, round(max(width, height) / 30))
        places = names(shown.objects, source.class_names, height, width, letters)
        entries.append(
            {
                "name": shown.record.file_name,
                "size": (shown.record.width, shown.record.height),
                "width": width,
                "height": height,
                "picture": jpeg_uri(shown.image),
                "objects": objects,
                "labels": sorted({each.label for each in objects}),
                "letters": letters,
                "names": [(each.label, text, (b[0] + b[2]) / 2, (b[1] + b[3]) / 2) for each, text, b in places],
            }
        )
    labels = [*range(first_label(source.class_names), len(source.class_names)), *([IGNORE] if counts[IGNORE] else [])]
    classes = [
        {
            "label": label,
            "name": "ignored" if label == IGNORE else source.class_names[label],
            "color": "#808080" if label == IGNORE else f"#{bytes(colors[label]).hex()}",
            "side": 6 if label == IGNORE else TILES[pattern_of(label)][0],
            "tile": Markup('<path d="M0 0L6 6"/>' if label == IGNORE else TILES[pattern_of(label)][1]),
            "count": int(counts[label]),
        }
        for label in labels
    ]
    return render("browse.html.j2", title=title, photos=entries, classes=classes)


def draw_object(each: VisibleObject, class_names: Sequence[str]) -> DrawnObject:
    """An object's outline at the size of the picture, and its words."""
    name = "ignored region" if each.label == IGNORE else class_names[each.label]
    what = f"annotation {each.id}" if each.id is not None else f"object {each.number}" if each.number else "region"
    return DrawnObject(each.label, svg_path(outline(each.inside)), f"{name}, {what}, {each.area:,} pixels visible")


def outline(inside: NDArray[np.bool_]) -> shapely.Geometry:
    """The area of the (H, W) pixels `inside`, holes kept, straightened by `OUTLINE_TOLERANCE` pixels at most."""
    padded = np.pad(inside, ((0, 0), (1, 1))).astype(np.int8)
    steps = np.diff(padded, axis=1)  # 1 where a run of pixels begins, -1 behind its end
    rows, begins = np.nonzero(steps == 1)
    _, ends = np.nonzero(steps == -1)
    area = shapely.union_all(shapely.box(begins, rows, ends, rows + 1))
    simple = shapely.simplify(area, OUTLINE_TOLERANCE)
    return area if simple.is_empty else simple


def svg_path(shape: shapely.Geometry) -> str:
    """The rings of a shape as the `d` of an SVG path."""
    rings = []
    for polygon in shapely.get_parts(shape):
        for ring in (polygon.exterior, *polygon.interiors):
            points = shapely.get_coordinates(ring)[:-1]
            rings.append("M" + " ".join(f"{x:g},{y:g}" for x, y in np.round(points, 1)) + "Z")
    return "".join(rings)
