"""What the values of index masks mean: by number where the numbers are classes, else by the colours of a palette."""

import csv
import logging
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from recycle_coco import BACKGROUND, IGNORE_CATEGORY, is_background, read_loose_text, relabel
from recycle_coco.labels import numbered_names
from recycle_coco.table import CsvRows

from recycle_datasets.areas import is_number
from recycle_datasets.folders import checked_names, lines_of
from recycle_datasets.maskfile import IndexMask, color_at
from recycle_datasets.numbering import check_numbering, named_values, note_unused
from recycle_datasets.tables import Color
from recyclecli.types import IGNORE, RecycleError

log = logging.getLogger("recycle.datasets")

NO_LABEL = 256  # in a table: no class
SPARSE_CLASSES, FILLED_SHARE = 32, 8  # from so many classes on, one in so many must occur where no table names them
OPTION = "option values"  # where values are named one by one, and several may be one class
CLASS_LIST, COLORS, LABELMAP, NUMBER_FILE = "classes.txt", "class_dict.csv", "labelmap.txt", "_classes.csv"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What masks hold.

    Attributes:
        class_names: K names by label.
        table: (256,) int, the label of each value; `NO_LABEL` for no class.
        by_color: colour to label, where the numbers differ between masks.
    """

    class_names: tuple[str, ...]
    table: NDArray[np.int64]
    by_color: Mapping[Color, int] | None = None

    def labels(self, mask: IndexMask) -> NDArray[np.uint8]:
        """(H, W) uint8 labels of a mask.

        Raises:
            RecycleError: values or colours that are no class.
        """
        table = self.table
        present = mask.present()
        if self.by_color is not None:
            table = np.full(IGNORE + 1, NO_LABEL)
            table[IGNORE] = IGNORE
            palette = mask.palette
            for value in present if palette is not None else ():
                color = color_at(palette, value) if palette is not None and value < len(palette) else None
                if color is None or color not in self.by_color:
                    if value != IGNORE:
                        raise RecycleError(
                            f"mask {mask.file} has the colour {color} for value {value}, which {COLORS} does not name",
                            f"add a line name,r,g,b to {COLORS}",
                        )
                else:
                    table[value] = self.by_color[color]
        unknown = [value for value in present if table[value] == NO_LABEL]
        if unknown and self.by_color is not None:
            raise RecycleError(
                f"mask {mask.file} has no palette, and the numbers of the other masks differ from one to the next",
                "save it with the palette of the others",
            )
        if unknown:
            known = np.flatnonzero(self.table[:IGNORE] != NO_LABEL)
            span = "0 to " + str(known[-1]) if len(known) == known[-1] + 1 else ", ".join(map(str, known))
            names = self.class_names
            remedy = "correct the mask, or name all classes in classes.txt, one per line"
            if unknown == [len(names)] == [known[-1] + 1] and not is_background(names[0]):
                above = {0: BACKGROUND, **{value + 1: name for value, name in enumerate(names)}}
                remedy = f"where 0 is the background, which the names leave out: {named_values(above)}; else {remedy}"
            many = f"are {len(names)} classes" if len(names) > 1 else "is 1 class"
            raise RecycleError(
                f"mask {mask.file} holds the value {unknown[-1]}, but there {many} ({span}; {IGNORE} is ignored)",
                remedy,
            )
        return mask.values if np.array_equal(table[present], present) else relabel(mask.values, table)


def by_value(named: Mapping[int, str], where: object) -> Meaning:
    """Values named one by one: a background is label 0, the rest follow by ascending value, `ignore` is 255.

    Raises:
        RecycleError: a value outside 0..255, or names that are no class list.
    """
    if wrong := [value for value in named if not 0 <= value <= IGNORE]:
        raise RecycleError(f"{where}: {wrong[0]} is no value of a mask", f"values are 0 to {IGNORE}")
    classes = sorted(
        (value for value in named if named[value] != IGNORE_CATEGORY), key=lambda v: (not _ground(named, v), v)
    )
    found = [spelled(named[value]) for value in classes]
    names = checked_names(dict.fromkeys(found) if where == OPTION else found, where)
    table = np.full(IGNORE + 1, NO_LABEL)
    table[[IGNORE, *(value for value in named if named[value] == IGNORE_CATEGORY)]] = IGNORE
    table[classes] = [names.index(name) for name in found]
    return Meaning(names, table)


def _ground(named: Mapping[int, str], value: int) -> bool:
    return is_background(named[value])


def spelled(name: str) -> str:
    """A name as classes are called: the background by one spelling."""
    return BACKGROUND if is_background(name) else name


def by_index(names: Sequence[str], where: object) -> Meaning:
    """Names by value, from 0."""
    found = checked_names([spelled(name) if value == 0 else name for value, name in enumerate(names)], where)
    table = np.full(IGNORE + 1, NO_LABEL)
    table[: len(found)] = range(len(found))
    table[IGNORE] = IGNORE
    return Meaning(found, table)


def color_table(root: Path) -> dict[str, Color]:
    """Name to colour as class_dict.csv or CVAT's labelmap.txt in the root says; empty where there is neither.

    Raises:
        RecycleError: a class_dict.csv that is no table of name,r,g,b.
    """
    file = root / COLORS
    if file.is_file():
        try:
            rows = list(CsvRows(StringIO(read_loose_text(file)), skipinitialspace=True))
            found = {row["name"].strip(): (int(row["r"]), int(row["g"]), int(row["b"])) for row in rows}
        except (csv.Error, KeyError, TypeError, ValueError, AttributeError) as error:
            raise RecycleError(f"{file} is no table of name,r,g,b: {error}", "correct it or remove it") from error
        checked_names((row["name"].strip() for row in rows), file)
        return found
    found = {}
    for line in lines_of(root / LABELMAP) if (root / LABELMAP).is_file() else ():
        name, _, rest = line.partition(":")
        numbers = rest.partition(":")[0].split(",")
        if not line.startswith("#") and len(numbers) == 3 and all(is_number(number.strip()) for number in numbers):
            red, green, blue = map(int, numbers)
            found[name] = (red, green, blue)
    return found


def numbered(file: Path) -> dict[int, str]:
    """Value to name of a table `Pixel Value, Class`, as Roboflow writes it.

    Raises:
        RecycleError: another table.
    """
    rows = [[cell.strip() for cell in row] for row in csv.reader(StringIO(read_loose_text(file))) if row]
    body = [row for row in rows if len(row) == 2 and is_number(row[0])]
    if len(body) < len(rows) - 1 or not body:
        raise RecycleError(f"{file} is no table of values and classes", "correct it, or name them in classes.txt")
    return {int(value): name for value, name in body}


def meaning_of(
    root: Path,
    folder: Path,
    names: Sequence[str] | None,
    palettes: Mapping[bytes, Path],
    masks: Callable[[], Iterable[IndexMask]],
    whole: bool = True,
) -> Meaning:
    """What the masks of a set mean: by names that are stated, else by tables beside them, else by number alone.

    Args:
        root: the data's root, where the tables of names lie.
        folder: of the masks.
        names: stated by number; None to look for classes.txt.
        palettes: each palette of the set, three bytes for a colour, to a mask that has it.
        masks: reads all masks, one by one.
        whole: these are all masks of the set.

    Raises:
        RecycleError: tables that contradict each other, numbers that mean another class in another mask, or names
            that may be meant from 0 or from 1 on.
    """
    where: object = "option classes"
    if names is None and (root / CLASS_LIST).is_file():
        where = root / CLASS_LIST
        names = lines_of(root / CLASS_LIST)
        if numbers := numbered_names(names):
            log.warning(f"note: {where}: the numbers before the names are those of the masks")
            names = [numbers[value] for value in sorted(numbers)]
    colors = color_table(root)
    conflict = _conflict(masks()) if len(palettes) > 1 else ""
    if conflict:
        return _by_color(root, names, colors, masks(), conflict)
    if names is not None:
        found = by_index(names, where)
        for palette, file in palettes.items():
            _refuse_contradiction(found.class_names, colors, palette, file, where)
        if where == root / CLASS_LIST and found.class_names:
            held = (value for mask in masks() for value in mask.present())
            check_numbering(dict(enumerate(found.class_names)), held, where, whole)
        return found
    for file in (folder / NUMBER_FILE, root / NUMBER_FILE):
        if file.is_file():
            return by_value(numbered(file), file)
    if colors:
        return _of_table(root, colors, palettes, masks)
    present = sorted({value for mask in masks() for value in mask.present()} - {IGNORE})
    largest = max(present, default=0)
    if largest >= SPARSE_CLASSES and FILLED_SHARE * len(present) <= largest + 1:
        named = ", ".join(f"{value}: class-{value}" for value in present)
        raise RecycleError(
            f"the masks in {folder} hold {len(present)} values from 0 to {largest}, and nothing names them: as class "
            f"numbers they would make {largest + 1} classes",
            f"name each value: -o 'data.dataset.values={{{named}}}'",
        )
    log.warning(
        f"note: nothing names the numbers of the masks in {folder}: each from 0 to {largest} is a class of its own; "
        f"{CLASS_LIST} in {root} would name them, one a line"
    )
    _refuse_two_meanings(masks(), present)
    found = by_index([f"class-{label}" for label in range(largest + 1)], root)
    note_unused(dict(enumerate(found.class_names)), present)
    return found


def _refuse_two_meanings(masks: Iterable[IndexMask], present: Sequence[int]) -> None:
    """Refuse masks of 0 and 1 among masks of 0 and 255 alone, where none holds both."""
    held = [set(mask.present()) for mask in masks] if set(present) <= {0, 1} else []
    if (
        any(one == {0, IGNORE} for one in held)
        and any(1 in one for one in held)
        and not any({1, IGNORE} <= one for one in held)
    ):
        raise RecycleError(
            f"some masks hold 1 and others {IGNORE}, none both, and nothing says whether {IGNORE} is an object or "
            "ignored",
            f"name each value, {IGNORE} as ignore or as an object: "
            f"-o 'data.dataset.values={{0: background, 1: foreground, {IGNORE}: foreground}}'",
        )


def _conflict(masks: Iterable[IndexMask]) -> str:
    """Where a number has two colours, or a colour two numbers; empty where each has one."""
    colors: dict[int, tuple[Color, Path]] = {}
    numbers: dict[Color, tuple[int, Path]] = {}
    for mask in masks:
        for value, color in mask.colors().items():
            other, file = colors.setdefault(value, (color, mask.file))
            if other != color:
                return f"value {value} has the colour {other} in {file}, and {color} in {mask.file}"
            number, file = numbers.setdefault(color, (value, mask.file))
            if number != value:
                return f"the colour {color} is value {number} in {file}, and {value} in {mask.file}"
    return ""


def _by_color(
    root: Path, names: Sequence[str] | None, colors: Mapping[str, Color], masks: Iterable[IndexMask], conflict: str
) -> Meaning:
    """Labels by colour; the order is that of `names` where they are the same, else the table's, background first."""
    label_of = {spelled(name): color for name, color in colors.items()}
    used = {color for mask in masks for color in mask.colors().values()}
    if strange := sorted(used - set(label_of.values())):
        known = f", and {root / COLORS} does not name the colour {strange[0]}" if colors else ""
        raise RecycleError(
            f"the palettes of the masks differ, so that their numbers tell no class: {conflict}{known}",
            f"name every colour in {root / COLORS}, a line name,r,g,b for each; where the numbers are right and the "
            "palettes are not: -o data.dataset.palettes=false",
        )
    order = sorted(label_of, key=lambda name: not is_background(name))
    stated = [spelled(name) for name in names or ()]
    order = stated if set(stated) == set(order) else order
    by_color = {label_of[name]: label for label, name in enumerate(order)}
    return Meaning(checked_names(order, root), by_index(order, root).table, by_color)


def _refuse_contradiction(
    names: Sequence[str], colors: Mapping[str, Color], palette: bytes, file: Path, where: object
) -> None:
    name_of = {color: spelled(name) for name, color in colors.items()}
    found = [name_of.get(color) for color in _entries(palette)[: len(names)]]
    if None not in found and len(found) == len(names) and list(names) != found and set(names) == set(found):
        raise RecycleError(
            f"{where} names the values {', '.join(names)}, and the colours of {file} name them "
            f"{', '.join(map(str, found))}",
            f"correct the table of colours, or go by {where} alone: -o data.dataset.palettes=false",
        )


def _of_table(
    root: Path, colors: Mapping[str, Color], palettes: Mapping[bytes, Path], masks: Callable[[], Iterable[IndexMask]]
) -> Meaning:
    """The meaning by a table of colours where the masks have one palette or none."""
    name_of = {color: name for name, color in colors.items()}
    for palette in palettes:
        entries = _entries(palette)
        if name_of.keys() <= set(entries) and not _is_ramp(entries):
            return by_value({entries.index(color): name for color, name in name_of.items()}, root / COLORS)
    gray = {color[0]: name for color, name in name_of.items() if len(set(color)) == 1}
    present = {value for mask in masks() for value in mask.present()}
    if len(gray) == len(colors) and present <= {*gray, IGNORE}:
        return by_value(gray, root / COLORS)
    names = list(colors)
    ground = [place for place, name in enumerate(names) if is_background(name)]
    if ground not in ([], [0]):
        first = sorted(names, key=lambda name: not is_background(name))
        text = "\\n".join([*first, ""])
        raise RecycleError(
            f"{root / COLORS} states colours, and the masks hold the numbers {', '.join(map(str, sorted(present)))}: "
            f"its lines are no order of these, since {names[ground[0]]!r} is not the first",
            f"name the values from 0 on, one a line, in {CLASS_LIST}: "
            f"printf {shlex.quote(text)} > {shlex.quote(str(root / CLASS_LIST))}",
        )
    order = ", ".join(f"{value} {name}" for value, name in enumerate(names))
    log.warning(
        f"note: {root / COLORS} states colours; its lines are taken for the values: {order}. {CLASS_LIST} would say so"
    )
    return by_index(names, root / COLORS)


def _entries(palette: bytes) -> list[Color]:
    return [(palette[k], palette[k + 1], palette[k + 2]) for k in range(0, len(palette) - 2, 3)]


def _is_ramp(entries: Sequence[Color]) -> bool:
    return all(color == (value, value, value) for value, color in enumerate(entries))
