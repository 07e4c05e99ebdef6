"""What a set of masks holds: looked at once, one photo and its mask at a time."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from os import cpu_count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from recycle_coco import photo_size, read_photo

from recycle_datasets.maskfile import ColorMask, IndexMask, Mask, mask_size, read_mask
from recycle_datasets.tables import Color
from recyclecli.types import IGNORE, RecycleError

WORKERS = 2
SIZED = "pixels, and its mask"


@dataclass(slots=True)
class Survey:
    """What masks hold.

    Attributes:
        values: (256,) pixels of each number, of masks of numbers.
        colors: pixels of each colour, of masks of colours, and of numbers by their palettes.
        colored: masks that hold colours.
        mixed: a mask of numbers holds 255 beside another but 0.
        inside: pixels of neither 0 nor 255 in areas of their value, in masks that hold 255.
        bare: a mask of numbers holds 0 and 255 alone.
        palettes: masks whose palettes tell their numbers apart.
        conflict: where a number has two colours, or a colour two numbers; "" where each has one.
        sizes: height and width of each mask.
        faults: masks and photos that cannot be used, as where and what.
        jpegs: masks that are JPEGs.
        between: the share of each one's pixels that were neither black nor white, added up.
    """

    values: NDArray[np.int64] = field(default_factory=lambda: np.zeros(IGNORE + 1, np.int64))
    colors: Counter[Color] = field(default_factory=Counter)
    colored: int = 0
    mixed: bool = False
    inside: int = 0
    bare: bool = False
    palettes: int = 0
    conflict: str = ""
    sizes: list[tuple[int, int]] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)
    jpegs: int = 0
    between: float = 0
    _color_of: dict[int, tuple[Color, Path]] = field(default_factory=dict)
    _number_of: dict[Color, tuple[int, Path]] = field(default_factory=dict)

    @property
    def present(self) -> list[int]:
        """The numbers that occur, ascending."""
        found: list[int] = np.flatnonzero(self.values).tolist()
        return found

    def add(self, mask: Mask) -> None:
        """Count a mask's pixels."""
        self.sizes.append(size_of(mask))
        if isinstance(mask, ColorMask):
            self.colored += 1
            self.colors.update(mask.colors)
            return
        counts = mask.counts()
        if mask.between is not None:
            self.jpegs += 1
            self.between += mask.between / max(1, mask.values.size)
        self.values += counts
        if counts[IGNORE]:
            others = bool(counts[1:IGNORE].any())
            self.mixed |= others
            self.inside += mask.inside() if others else 0
            self.bare |= bool(counts[0]) and not others
        for value in np.flatnonzero(counts).tolist():
            if mask.palette is not None and value < len(mask.palette):
                red, green, blue = mask.palette[value].tolist()
                self.colors[red, green, blue] += int(counts[value])
            elif mask.palette is None:
                self.colors[value, value, value] += int(counts[value])
        colors = mask.colors()
        self.palettes += bool(colors)
        for value, color in colors.items():
            self._compare(value, color, mask)

    def _compare(self, value: int, color: Color, mask: IndexMask) -> None:
        if self.conflict or value == IGNORE:
            return
        other, file = self._color_of.setdefault(value, (color, mask.file))
        if other != color:
            self.conflict = f"value {value} has the colour {other} in {file}, and {color} in {mask.file}"
        number, file = self._number_of.setdefault(color, (value, mask.file))
        if number != value:
            self.conflict = f"the colour {color} is value {number} in {file}, and {value} in {mask.file}"


def size_of(mask: Mask) -> tuple[int, int]:
    """Height and width of a mask."""
    height, width = mask.codes.shape if isinstance(mask, ColorMask) else mask.values.shape
    return height, width


def survey(root: Path, pairs: Sequence[tuple[str, Path]]) -> Survey:
    """Look at the masks of all photos, and at the photos' sizes.

    Args:
        root: the folder that photos are relative to.
        pairs: photos and their masks.
    """
    found = Survey()
    with ThreadPoolExecutor(min(WORKERS, cpu_count() or 1)) as pool:
        for batch in _batches(pairs, 64):  # so that few masks wait
            for one in pool.map(lambda pair: _look(root, *pair), batch):
                if isinstance(one, tuple):
                    found.faults.append(one)
                else:
                    found.add(one)
    return found


def _batches(pairs: Iterable[tuple[str, Path]], size: int) -> Iterator[list[tuple[str, Path]]]:
    rest = iter(pairs)
    while batch := list(islice(rest, size)):
        yield batch


def _look(root: Path, name: str, file: Path) -> Mask | tuple[str, str]:
    """A mask, or what is wrong with it or its photo."""
    try:
        height, width = mask_size(file)
        size = photo_size(root / name)
        if size != (height, width) and size != (width, height):
            return name, f"it is {size[1]}x{size[0]} {SIZED} {file} {width}x{height}"
        if size != (height, width):
            read_photo(root / name, height, width)  # fits as it is stored, or raises
        mask = read_mask(file)
    except RecycleError as error:
        return name, error.args[0] if error.args else str(error)
    return mask
