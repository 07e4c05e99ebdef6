"""Colours of classes: from class_dict.csv beside the data, else a colour-blind-safe set."""

from __future__ import annotations

import colorsys
import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from recycle_coco.labels import BACKGROUND, is_background
from recycle_coco.table import CsvRows

from recyclecli.errors import RecycleError
from recyclecli.reading import read_text

Color = tuple[int, int, int]

CLASS_DICT = "class_dict.csv"
CLASS_COLORS_FILE = "classes.json"  # beside predicted masks: label, name and color of each class

# Okabe and Ito, "Color Universal Design" (2008), then Paul Tol's "muted" set; black is the background.
_SAFE: tuple[Color, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
    (153, 153, 51),
    (136, 34, 85),
    (221, 204, 119),
    (51, 34, 136),
    (170, 68, 153),
)


def palette(class_names: Sequence[str], root: Path | None = None) -> list[Color]:
    """One RGB colour per label, 0..255; the first label is black.

    Args:
        class_names: K names by label.
        root: a folder whose class_dict.csv (name,r,g,b) sets the colours of the names it holds.

    Raises:
        RecycleError: the class_dict.csv cannot be read.
    """
    colors = [(0, 0, 0), *_SAFE][: len(class_names)]
    for extra in range(len(class_names) - len(colors)):  # golden-ratio steps keep neighbours apart
        red, green, blue = colorsys.hsv_to_rgb(extra * 0.618034 % 1, 0.55, 0.75)
        colors.append((round(red * 255), round(green * 255), round(blue * 255)))
    if root is not None and (root / CLASS_DICT).is_file():
        stated = _read(root / CLASS_DICT)
        colors = [stated.get(_key(name), color) for name, color in zip(class_names, colors, strict=True)]
    return colors


def _key(name: str) -> str:
    return BACKGROUND if is_background(name) else name


def _read(file: Path) -> dict[str, Color]:
    try:
        rows = CsvRows(StringIO(read_text(file)), skipinitialspace=True)
        stated = {_key(row["name"]): (int(row["r"]), int(row["g"]), int(row["b"])) for row in rows}
    except (csv.Error, KeyError, TypeError, ValueError) as error:
        raise RecycleError(f"{file} is no table of name,r,g,b: {error}", "correct it or remove it") from error
    wrong = [name for name, color in stated.items() if not all(0 <= part <= 255 for part in color)]
    if wrong:
        raise RecycleError(f"{file}: the colour of {wrong[0]!r} is not within 0..255", "correct it or remove it")
    return stated
