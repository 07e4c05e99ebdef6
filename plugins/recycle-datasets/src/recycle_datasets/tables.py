"""Tables that name the classes of masks, by number or by colour, as tools and people write them."""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import PurePosixPath
from typing import Any

from recycle_coco import PHOTO_SUFFIXES, parse_json

from recycle_datasets.areas import is_number

Color = tuple[int, int, int]
CLASS_LIST_STEMS = ("classes", "class_names", "classnames", "labels", "label_names", "labelnames", "codes", "names",
                    "class_list", "categories", "label", "class")  # fmt: skip
"""Stems of text files that list names, one a line."""
NAME_HEADS = ("name", "class", "label", "classname", "labelname", "category", "title", "classes", "labels",
              "classlabel")  # fmt: skip
NUMBER_HEADS = (
    "pixelvalue",
    "value",
    "id",
    "index",
    "idx",
    "labelid",
    "classid",
    "class",
    "label",
    "number",
    "code",
    "pixel",
)
CHANNELS = (("r", "g", "b"), ("red", "green", "blue"))
TABLE_STEM = re.compile(
    r"class|label|colou?r|^config|autosave|^mask_targets$|legend|palette|categor|meta|map|codes|names|objectinfo|^dataset$",
    re.IGNORECASE,
)
NUMBERED_LINE = re.compile(r"""^(\d{1,9})\s*[:=,;\t ]\s*["']?(.*?)["']?$""")  # 3: paper
COLORED = re.compile(r"^(.*?)\s*[:\t ,;]\s*\(?(\d+)[\s,]+(\d+)[\s,]+(\d+)\)?\s*(?::.*)?$")  # paper: 1,2,3
NUMBERED_COLOR_LINE = re.compile(
    r"^(\d{1,9})\s+(\S.*?)\s+(\d+)\s+(\d+)\s+(\d+)$"
)  # 3 paper 1 2 3, as EISeg writes them
COLOR_FIRST = re.compile(r"^\(?(\d+)[\s,]+(\d+)[\s,]+(\d+)\)?\s*[:\t ,;]\s*(.+?)$")  # 1 2 3 paper
HEX_COLOR = re.compile(r"#([0-9A-Fa-f]{6})\b|\b0x([0-9A-Fa-f]{6})\b")
COMMENT = re.compile(r"#(?![0-9A-Fa-f]{6}\b)")
TRIPLE = re.compile(r"(?:rgb)?\s*[(\[]?\s*(\d+)[\s,;]+(\d+)[\s,;]+(\d+)\s*[)\]]?", re.IGNORECASE)  # rgb(1, 2, 3)


@dataclass(frozen=True, slots=True)
class Table:
    """What a file says of classes, in its order.

    Attributes:
        numbers: value to name.
        colors: names with their colours.
    """

    numbers: Mapping[int, str] = field(default_factory=dict)
    colors: tuple[tuple[str, Color], ...] = ()


def may_name(name: str) -> bool:
    """Whether a file of that name may be a table."""
    path = PurePosixPath(name)
    return path.suffix.lower() in (".csv", ".txt", ".json", ".tsv") and bool(TABLE_STEM.search(path.stem))


def parse_table(name: str, text: str) -> Table | None:
    """The table in a file; None where it is none.

    Args:
        name: of the file; lists of bare names are known by it.
        text: of the file.
    """
    path = PurePosixPath(name)
    if "\0" in text:
        return None
    if path.suffix.lower() == ".json":
        try:
            return _of_json(parse_json(text))
        except ValueError:
            return None
    lines = [line.strip() for line in text.replace("\r", "\n").split("\n")]
    lines = [line for line in lines if line and not COMMENT.match(line)]
    if not lines:
        return None
    table = _of_header(lines) or _of_colors([_in_numbers(line) for line in lines])
    return table or _of_columns(lines) or _of_lines(path.stem, path.suffix, lines)


def _in_numbers(line: str) -> str:
    """A line whose colours are written in numbers: of #RRGGBB, and of rgb(1, 2, 3)."""
    line = HEX_COLOR.sub(lambda found: " ".join(map(str, bytes.fromhex(found[1] or found[2]))), line)
    return re.sub(r"\brgb\s*\(([^()]*)\)", r"\1", line, flags=re.IGNORECASE)


def _rows(lines: Sequence[str]) -> list[list[str]]:
    """The cells of a table by the mark between them in its first line; none for what is no table."""
    mark = next((mark for mark in "\t,;" if mark in lines[0]), "")
    try:
        rows = csv.reader(StringIO("\n".join(lines)), delimiter=mark, skipinitialspace=True) if mark else ()
        return [[cell.strip() for cell in row] for row in rows]
    except csv.Error:
        return []


def _of_columns(lines: Sequence[str]) -> Table | None:
    """A table under whatever headings, or none: one column of texts, and of colours one, or three of their numbers."""
    rows = _rows(lines)
    for body in (rows, rows[1:]):
        columns = [*zip(*body, strict=False)]
        colors = [column for column in columns if all(map(_color, column))]
        texts = [column for column in columns if not any(is_number(cell) or _color(cell) for cell in column)]
        channels = [column for column in columns if all(is_number(cell) and int(cell) < 256 for cell in column)]
        if not colors and len(channels) in (3, 4):  # the first of four is the class
            colors = [tuple(map(" ".join, zip(*channels[-3:], strict=True)))]
        if (
            len(texts) == len(colors) == 1
            and len({*texts[0]}) == len({*colors[0]}) == len(body)
            and _are_names(texts[0])
        ):
            return _colored([*zip(texts[0], map(_color, colors[0]), strict=True)])
    return None


def _are_names(texts: Iterable[str]) -> bool:
    """Whether texts may be classes: files are none."""
    return not any(text.lower().endswith(tuple(PHOTO_SUFFIXES)) for text in texts)


def _of_header(lines: Sequence[str]) -> Table | None:
    """A table with a line of headings: name,r,g,b in any order, `Pixel Value, Class`, ADE20K's objectInfo150.txt."""
    rows = _rows(lines)
    if not rows:
        return None
    heads = [re.sub(r"[^a-z]", "", head.lower()) for head in rows[0]]
    body = [row for row in rows[1:] if len(row) >= len(heads)]
    names = [place for known in NAME_HEADS for place, head in enumerate(heads) if head == known]
    if not body or not names:
        return None
    for channels in CHANNELS:
        if set(channels) <= set(heads):
            places = [heads.index(channel) for channel in channels]
            colors = [(row[names[0]], _color([row[place] for place in places])) for row in body]
            return _colored(colors)
    for place in [place for known in NUMBER_HEADS for place, head in enumerate(heads) if head == known]:
        called = next((other for other in names if other != place), None)
        if called is not None and all(is_number(row[place]) for row in body):
            return Table(numbers={int(row[place]): row[called] for row in body})
    return None


def _of_colors(lines: Sequence[str]) -> Table | None:
    """Lines of names and colours: CVAT's labelmap.txt, `paper 1 2 3`, `1 2 3 paper`."""
    numbered = [NUMBERED_COLOR_LINE.match(line) for line in lines]
    if all(numbered):
        table = _colored([(one[2], _color(one.groups()[2:])) for one in numbered if one])
        return table and Table({int(one[1]): one[2] for one in numbered if one}, table.colors)
    for pattern, name, first in ((COLOR_FIRST, 4, 1), (COLORED, 1, 2)):
        found = [pattern.match(line) for line in lines]
        if all(found):
            return _colored([(one[name], _color(one.groups()[first - 1 : first + 2])) for one in found if one])
    return None


def _of_lines(stem: str, suffix: str, lines: Sequence[str]) -> Table | None:
    """Names one a line, with or without their numbers; `__ignore__` in front, as labelme has it, is -1."""
    if stem.lower().lstrip("_").replace("-", "_") not in CLASS_LIST_STEMS or suffix.lower() not in (".txt", ".csv"):
        return None
    numbered = [NUMBERED_LINE.match(line) for line in lines]
    if all(numbered):
        found = {int(one[1]): one[2] for one in numbered if one}
        return Table(numbers=found) if len(found) == len(lines) and all(found.values()) else None
    names = [line.rstrip(",;") for line in lines]
    if names[0].casefold() in ("name", "class", "label", "classes", "class_name") and len(names) > 2:
        names = names[1:]
    start = -1 if names[0] == "__ignore__" else 0
    return Table(numbers={number: name for number, name in enumerate(names, start) if number >= 0})


def _of_json(content: Any) -> Table | None:
    """Names to colours or numbers, numbers to names, or classes with both; see Supervisely and `recycle predict`."""
    if isinstance(content, dict):
        named, colors = content.get("label_map"), content.get("segmentation_colors")
        if isinstance(named, dict) and isinstance(colors, list) and len(named) == len(colors):  # Datumaro's meta file
            return _colored([(str(name), _color(color)) for name, color in zip(named.values(), colors, strict=True)])
        for key in ("label_map", "classes", "colors", "labels", "categories"):
            if isinstance(content.get(key), list | dict):
                content = content[key]
                break
    if isinstance(content, dict) and content and all(isinstance(value, dict) for value in content.values()):
        content = [{"name": name, **value} for name, value in content.items()]  # PixelAnnotationTool's
    if isinstance(content, dict) and content:
        if all(_color(value) for value in content.values()):
            return _colored([(str(name), _color(value)) for name, value in content.items()])
        if all(isinstance(value, int) and not isinstance(value, bool) for value in content.values()):
            return Table(numbers={value: name for name, value in content.items()})
        if all(_color(key) and isinstance(value, str) for key, value in content.items()):
            return _colored([(value, _color(key)) for key, value in content.items()])
        if all(is_number(key) and isinstance(value, str) for key, value in content.items()):
            return Table(numbers={int(key): value for key, value in content.items()})
        return None
    if not isinstance(content, list) or not content:
        return None
    if all(isinstance(one, str) for one in content):
        return Table(numbers=dict(enumerate(content)))
    if not all(isinstance(one, dict) for one in content):
        return None
    names = [_first(one, ("title", "name", "readable", "label", "class")) for one in content]
    numbers = [_first(one, ("value", "label", "id", "index")) for one in content]
    colors = [_color(_first(one, ("color", "colour", "rgb", "hex"))) for one in content]
    if not all(isinstance(name, str) for name in names):
        return None
    by_number = {}
    if all(isinstance(number, int) and 0 <= number <= 255 for number in numbers):
        by_number = dict(zip(numbers, names, strict=True))
    colored = _colored(list(zip(names, colors, strict=True)))
    if colored is None and len(by_number) < len(names):
        return None
    return Table(by_number if len(by_number) == len(names) else {}, colored.colors if colored else ())


def _first(one: Mapping[str, Any], keys: Iterable[str]) -> Any:
    return next((one[key] for key in keys if key in one), None)


def _colored(pairs: Sequence[tuple[str, Color | None]]) -> Table | None:
    if not pairs or any(color is None or not name for name, color in pairs):
        return None
    return Table(colors=tuple((name.strip(), color) for name, color in pairs if color is not None))


def _color(value: Any) -> Color | None:
    """Three numbers of 0 to 255, also as text, or #RRGGBB."""
    if isinstance(value, str):
        text = value.strip()
        if numbers := TRIPLE.fullmatch(text):
            value = numbers.groups()
        elif re.fullmatch(r"(?:#|0x)?[0-9A-Fa-f]{6}", text) and not text.isdecimal():
            value = list(bytes.fromhex(text[-6:]))
        else:
            return None
    try:
        red, green, blue = (int(part) for part in value)
    except (TypeError, ValueError, OverflowError):
        return None
    return (red, green, blue) if all(0 <= part <= 255 for part in (red, green, blue)) else None


def voc_colors() -> list[Color]:
    """VOC's palette of 256 colours: the bits of a number, dealt out to the channels from above."""
    found = []
    for value in range(256):
        color = [0, 0, 0]
        for bit in range(8):
            for channel in range(3):
                color[channel] |= (value >> (3 * bit + channel) & 1) << (7 - bit) if 3 * bit + channel < 8 else 0
        found.append((color[0], color[1], color[2]))
    return found
