"""What masks mean by the tables beside them: by colour, by number, or by what they hold where nothing names it."""

import logging
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from recycle_coco import BACKGROUND, IGNORE_CATEGORY, is_background

from recycle_datasets.folders import checked_names
from recycle_datasets.mask_labels import MaskLabels
from recycle_datasets.numbering import check_numbering, named_values, note_unused
from recycle_datasets.survey import Survey
from recycle_datasets.tables import Color, voc_colors
from recycle_datasets.values import FILLED_SHARE, OPTION, SPARSE_CLASSES, spelled
from recyclecli.types import IGNORE, RecycleError, counted

log = logging.getLogger("recycle.datasets")

BLACK: Color = (0, 0, 0)
BORDER: Color = (224, 224, 192)  # of VOC's palette: 255
VOID_NAMES = ("void", "unlabeled", "unlabelled", "unlabel")
NO_CLASS_NAMES = (*VOID_NAMES, "unknown", "other", "others", "none", "unclassified", "nothing", "null")
IGNORED_NAMES = (IGNORE_CATEGORY, "ignored", "__ignore__", "_ignore_")
SMOOTH, MAX_SMOOTHED_SHARE = 3, 0.1  # grays between 0 and 255 that smoothing leaves, and the pixels' share at most
MAX_UNNAMED_SHARE = 0.5  # of the pixels: without a name they may be, and no more


@dataclass(frozen=True, slots=True)
class MaskMeanings:
    """What tables beside masks say.

    Attributes:
        numbers: value to name; empty where nothing says it.
        colors: names with their colours, in order.
        where: the tables, for messages.
        foreground: the class of masks of two values that nothing names.
    """

    numbers: Mapping[int, str] = field(default_factory=dict)
    colors: Sequence[tuple[str, Color]] = ()
    where: object = ""
    foreground: str = "foreground"


def labels_of(root: Path, named: MaskMeanings, seen: Survey, left_out: Counter[str]) -> MaskLabels:
    """What the masks of a set mean; pixels of colours and numbers without a name are ignored and counted.

    Raises:
        RecycleError: colours that no table names, tables that do not fit, or numbers that differ between masks.
    """
    if seen.colored or (seen.conflict and (named.colors or not named.numbers)):
        if not named.colors and len(seen.colors) == 2 and BLACK in seen.colors and not seen.conflict:
            return _two_colors(named, seen)
        if not named.colors and not seen.conflict and seen.colors.keys() <= {*voc_colors(), BORDER}:
            return _of_voc(named, seen, left_out)
        if not named.colors:
            raise _unnamed_colors(root, seen)
        return _by_color(named, seen, left_out)
    if named.colors and (seen.palettes or not named.numbers) and _fits(named, seen):
        return _by_color(named, seen, left_out)
    if named.numbers:
        return _by_number(named, named.numbers, seen.values, left_out)
    if named.colors:
        return _by_number(named, _order_of(root, named, seen), seen.values, left_out)
    if _is_smoothed(seen):
        return _smoothed(seen.values, named.foreground)
    return _unnamed(seen.values, named.foreground, doubtful=seen.bare and not seen.mixed)


def _is_smoothed(seen: Survey) -> bool:
    """Whether masks of 0 and 255 were resized smoothly: grays on both sides of 128, along edges and not in areas."""
    between = [value for value in seen.present if 0 < value < IGNORE]
    pixels = int(seen.values[1:IGNORE].sum())
    return bool(
        len(between) >= SMOOTH
        and between[0] < 128 <= between[-1]
        and seen.values[0]
        and seen.values[IGNORE]
        and pixels < MAX_SMOOTHED_SHARE * seen.values.sum()
        and 4 * seen.inside <= pixels
    )


def _smoothed(values: NDArray[np.int64], foreground: str) -> MaskLabels:
    share = values[1:IGNORE].sum() / values.sum()
    log.warning(
        f"note: the masks are smoothed: {share:.2%} of their pixels are neither 0 nor 255; from 128 on they are "
        f"{foreground}, below the background"
    )
    return MaskLabels((BACKGROUND, foreground), {value: int(value >= 128) for value in range(IGNORE + 1)})


def _fits(named: MaskMeanings, seen: Survey) -> bool:
    """Whether the table's colours are those of the masks: of their palettes, or grays."""
    known = {color for _, color in named.colors} | {BLACK}
    inside = sum(count for color, count in seen.colors.items() if color in known)
    found = {color for color in seen.colors if color in known}
    if not seen.palettes:  # of grays all must be named, as small numbers are grays, too
        return seen.colors.keys() <= known | {(IGNORE, IGNORE, IGNORE)}
    return inside > MAX_UNNAMED_SHARE * seen.colors.total() and len(found) > 1


def _by_color(named: MaskMeanings, seen: Survey, left_out: Counter[str]) -> MaskLabels:
    """Labels in the order of the table, or of its numbers where it has these; the background first."""
    colors: dict[str, Color] = {}
    for name, color in named.colors:
        if colors.setdefault(name, color) != color:
            raise RecycleError(f"{named.where}: class {name!r} has two colours", "make each name unique")
    ignored = {name for name, color in colors.items() if _is_ignored(name, color)}
    ground = _ground(colors)
    order = [name for name in colors if name not in ignored and name != ground]
    stated = [name for _, name in sorted(named.numbers.items()) if name not in ignored and name != ground]
    order = stated if sorted(stated) == sorted(order) else order
    black_is_ground = not ground and BLACK not in colors.values() and seen.colors[BLACK] > 0
    names = [BACKGROUND] if ground or black_is_ground else []
    by_color = {BLACK: 0} if black_is_ground else {}
    by_color |= {colors[ground]: 0} if ground else {}
    for label, name in enumerate(order, start=len(names)):
        by_color.setdefault(colors[name], label)
    for name in ignored:
        by_color.setdefault(colors[name], IGNORE)
    strange = Counter({color: count for color, count in seen.colors.items() if color not in by_color})
    for border in (BORDER, (IGNORE, IGNORE, IGNORE)):
        if strange[border] and not seen.colored:
            del strange[border]  # 255 by its palette, or by itself
    if strange.total() > MAX_UNNAMED_SHARE * seen.colors.total():
        raise RecycleError(
            f"{named.where} does not name {_share(strange, seen.colors)} of the masks' pixels: {_told(strange)}",
            f"add a line for each, as name,{','.join(map(str, strange.most_common(1)[0][0]))}",
        )
    if strange:
        left_out[f"pixels of {_told(strange)}, which {named.where} does not name: ignored"] += strange.total()
    return MaskLabels(checked_names([*names, *order], named.where), {}, by_color)


def _ground(colors: Mapping[str, Color]) -> str:
    """The class that is the background: by its name, or by its name and black; "" for none."""
    for words in ((), NO_CLASS_NAMES):
        for name, color in colors.items():
            if is_background(name) if not words else color == BLACK and name.casefold() in words:
                return name
    return next((name for name in colors if name.casefold() in VOID_NAMES), "")


def _is_ignored(name: str, color: Color) -> bool:
    return name.casefold() in IGNORED_NAMES or (color == BORDER and name.casefold() in ("neutral", "void", "border"))


def _by_number(
    named: MaskMeanings, numbers: Mapping[int, str], values: NDArray[np.int64], left_out: Counter[str]
) -> MaskLabels:
    """Labels by named numbers: the background first, then by ascending value."""
    present = np.flatnonzero(values).tolist()
    stated = dict(sorted(numbers.items()))
    numbers = _shifted(named, stated, present)
    kept = {
        value: name for value, name in numbers.items() if 0 <= value <= IGNORE and name.casefold() not in IGNORED_NAMES
    }
    if not kept:
        raise RecycleError(f"{named.where} names no class", "name them, one a line")
    ground = next((value for value in kept if is_background(kept[value])), None)
    if ground is None and kept.get(0, "").casefold() in NO_CLASS_NAMES:
        ground = 0
    if ground is None:
        ground = next((value for value in kept if kept[value].casefold() in VOID_NAMES), None)
    order = [value for value in kept if value != ground]
    names = [BACKGROUND] if ground is not None else []
    classes = [spelled(kept[value]) for value in order]
    if named.where == OPTION:  # where several values may be one class
        classes = list(dict.fromkeys(classes))
        by_value = {value: len(names) + classes.index(spelled(kept[value])) for value in order}
    else:
        by_value = {value: label for label, value in enumerate(order, start=len(names))}
    by_value |= {ground: 0} if ground is not None else {}
    if ground is None and 0 not in numbers:
        names, by_value = [BACKGROUND], {0: 0, **{value: label + 1 for value, label in by_value.items()}}
    strange = {
        value: int(values[value])
        for value in present
        if value not in by_value and value != IGNORE and value not in numbers
    }
    every = {value: numbers.get(value, f"class-{value}") for value in present if value != IGNORE}
    misfit = RecycleError(
        f"the masks hold the numbers {', '.join(map(str, present))}, and {named.where} names "
        f"{', '.join(f'{value} {name}' for value, name in numbers.items())}",
        f"correct the table, or name them: {named_values(every)}",
    )
    if sum(strange.values()) > MAX_UNNAMED_SHARE * values.sum():
        raise misfit
    counted = list(numbers) == list(range(len(numbers)))
    if counted and numbers == stated and named.where != OPTION and IGNORE not in by_value:
        otherwise_called = ground == 0 and not is_background(numbers[0])  # the background by its first name
        check_numbering(numbers | ({0: BACKGROUND} if otherwise_called else {}), present, named.where)
    if strange and len({by_value[value] for value in present if value in by_value}) < 2:
        raise misfit
    note_unused(kept, present)
    if strange:
        shown = ", ".join(f"{value} ({count:,})" for value, count in strange.items())
        left_out[f"pixels of numbers that {named.where} does not name, {shown}: ignored"] += sum(strange.values())
    return MaskLabels(checked_names([*names, *classes], named.where), by_value)


def _shifted(named: MaskMeanings, numbers: dict[int, str], present: Sequence[int]) -> dict[int, str]:
    """Names by the values that masks have, where these are not the lines: 0 and 255, grays, or 0 for a background."""
    names = list(numbers.values())
    if list(numbers) != list(range(len(names))):
        return numbers
    found = numbers
    if IGNORE in present and set(present) <= {0, IGNORE} and len(names) <= 2:
        found = {0: BACKGROUND, IGNORE: names[0]} if len(names) == 1 else {0: names[0], IGNORE: names[1]}
        if len(names) == 2 and is_background(names[1]):
            found = {0: names[1], IGNORE: names[0]}
    values = [value for value in present if value != IGNORE]
    if not values or values[-1] < len(names) or found is not numbers:
        pass
    elif values[-1] == len(names) and not any(_is_ground(name) for name in names):
        found = {0: BACKGROUND, **{value + 1: name for value, name in numbers.items()}}
    elif values[-1] >= SPARSE_CLASSES and len(values) == len(names):
        found = dict(zip(values, names, strict=True))
    if found is not numbers:
        order = ", ".join(f"{value} {name}" for value, name in found.items())
        log.warning(
            f"note: {named.where} has {len(names)} names, and the masks hold {', '.join(map(str, present))}: {order}"
        )
    return found


def _is_ground(name: str) -> bool:
    return is_background(name) or name.casefold() in NO_CLASS_NAMES


def _unnamed(values: NDArray[np.int64], foreground: str, doubtful: bool) -> MaskLabels:
    """0 is the background, other numbers are classes; where there is one other, 255 too, it is the foreground.

    `doubtful`: masks hold 0 and 255 alone, and none holds 255 beside a class.
    """
    present = np.flatnonzero(values).tolist()
    others = [value for value in present if value not in (0, IGNORE)]
    if not others and IGNORE in present:
        log.warning(
            f"note: the masks hold {' and '.join(map(str, present))} alone: 0 is the background, 255 is {foreground}"
        )
        return MaskLabels((BACKGROUND, foreground), {0: 0, IGNORE: 1})
    if len(others) == 1 and IGNORE in present and (others[0] >= SPARSE_CLASSES or doubtful):
        raise RecycleError(
            f"the masks hold {', '.join(map(str, present))}, and nothing says whether {IGNORE} is an object or ignored"
            + ("" if not doubtful else f": no mask holds both {others[0]} and {IGNORE}"),
            f"name each value, {IGNORE} as ignore or as an object: "
            f"-o 'data.dataset.values={{0: background, {others[0]}: {foreground}, {IGNORE}: ignore}}'",
        )
    if len(others) == 1:
        log.warning(f"note: nothing names the numbers of the masks: 0 is the background, {others[0]} is {foreground}")
        return MaskLabels((BACKGROUND, foreground), {0: 0, others[0]: 1})
    largest = max(others, default=0)
    sparse = largest >= SPARSE_CLASSES and FILLED_SHARE * len(others) <= largest + 1
    classes = others if sparse else list(range(1, largest + 1))
    called = f"{', '.join(map(str, classes[:9]))}{' ...' if len(classes) > 9 else ''}"
    if classes:
        log.warning(
            f"note: nothing names the numbers of the masks: 0 is the background, {called} are classes of their own"
        )
        note_unused({value: f"class-{value}" for value in classes}, present)
    names = (BACKGROUND, *(f"class-{value}" for value in classes))
    return MaskLabels(names, {0: 0, **{value: label for label, value in enumerate(classes, start=1)}})


def _order_of(root: Path, named: MaskMeanings, seen: Survey) -> dict[int, str]:
    """The lines of a table of colours as numbers, where their order can be that."""
    names = [name for name, _ in named.colors]
    ground = [place for place, name in enumerate(names) if _is_ground(name)]
    largest = max([value for value in seen.present if value != IGNORE], default=0)
    if ground not in ([], [0]):
        first = ", ".join(sorted(names, key=lambda name: not _is_ground(name)))
        raise RecycleError(
            f"{named.where} states colours, and the masks hold the numbers {', '.join(map(str, seen.present))}: its "
            f"lines are no order of these, since {names[ground[0]]!r} is not the first",
            f"name the values from 0 on: -o {shlex.quote(f'data.dataset.classes=[{first}]')}",
        )
    if largest >= len(names) + (not ground):
        raise RecycleError(
            f"{named.where} names {counted(len(names), 'colour')}, and the masks hold others: {_told(seen.colors)}",
            "correct the table, or name the values: -o 'data.dataset.values={0: background, 1: paper}'",
        )
    order = ", ".join(f"{value} {name}" for value, name in enumerate(names))
    log.warning(
        f"note: {named.where} states colours, and the masks hold numbers; its lines are taken for these: {order}"
    )
    return dict(enumerate(names))


def _two_colors(named: MaskMeanings, seen: Survey) -> MaskLabels:
    """Black and one other."""
    (other,) = seen.colors.keys() - {BLACK}
    names = [name for name in named.numbers.values() if not _is_ground(name)]
    name = names[0] if len(names) == 1 else named.foreground
    log.warning(f"note: nothing names the colours of the masks: black is the background, {other} is {name}")
    return MaskLabels((BACKGROUND, name), {}, {BLACK: 0, other: 1})


def _of_voc(named: MaskMeanings, seen: Survey, left_out: Counter[str]) -> MaskLabels:
    """Colours of VOC's palette, which stand for its numbers."""
    value_of = {color: value for value, color in enumerate(voc_colors())} | {BORDER: IGNORE}
    values = np.zeros(IGNORE + 1, np.int64)
    for color, count in seen.colors.items():
        values[value_of[color]] += count
    log.warning("note: the masks hold the colours of VOC's palette, which are taken for its numbers")
    by_number = (
        _by_number(named, named.numbers, values, left_out)
        if named.numbers
        else _unnamed(values, named.foreground, doubtful=False)
    )
    by_color = {color: int(by_number.table[value]) for color, value in value_of.items() if value < IGNORE}
    return MaskLabels(by_number.class_names, {}, by_color)


def _unnamed_colors(root: Path, seen: Survey) -> RecycleError:
    if len(seen.colors) > IGNORE + 1:
        return RecycleError(
            f"the masks hold {len(seen.colors):,} colours: they are photos, or were smoothed",
            "save masks with the colours of the classes alone; where the folders of photos and masks changed places, "
            "rename them",
        )
    table = root / "class_dict.csv"
    lines = ["name,r,g,b"]
    for number, (color, _) in enumerate(seen.colors.most_common(30)):
        name = "background" if color == BLACK else f"class-{number}"
        lines.append(f"{name},{','.join(map(str, color))}")
    text = "\\n".join([*lines, ""])
    why = f", and their palettes differ: {seen.conflict}" if seen.conflict else ""
    return RecycleError(
        f"the masks hold {counted(len(seen.colors), 'colour')}, and no table beside them names these: "
        f"{_told(seen.colors)}{why}",
        f"write the names into {table} and import again: printf {shlex.quote(text)} > {shlex.quote(str(table))}",
    )


def _told(colors: Counter[Color]) -> str:
    shown = ", ".join(f"({','.join(map(str, color))}) {count:,}" for color, count in colors.most_common(5))
    many = f"{len(colors)} colours" if len(colors) > 1 else "1 colour"
    return f"{many} ({shown}{' ...' if len(colors) > 5 else ''})"


def _share(part: Counter[Color], whole: Counter[Color]) -> str:
    return f"{part.total() / max(1, whole.total()):.0%}"
