"""The labels of masks whose numbers, or colours, are known."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from recycle_coco import relabel

from recycle_datasets.maskfile import ColorMask, IndexMask, color_at, mask_size, read_mask
from recycle_datasets.tables import Color
from recyclecli.types import IGNORE


class MaskLabels:
    """Reads masks of numbers and of colours.

    Args:
        class_names: K names by label.
        by_value: value to label; others are ignored.
        by_color: colour to label; others are ignored. None where numbers count.

    Attributes:
        table: (256,) uint8, label of each value.
    """

    def __init__(
        self, class_names: tuple[str, ...], by_value: Mapping[int, int], by_color: Mapping[Color, int] | None = None
    ) -> None:
        self.class_names = class_names
        self.table = np.full(IGNORE + 1, IGNORE, np.uint8)
        for value, label in by_value.items():
            self.table[value] = label
        self._by_color = by_color
        self._codes: NDArray[np.uint8] | None = None

    def size(self, file: Path) -> tuple[int, int]:
        """See `ReadsMasks`."""
        return mask_size(file)

    def labels(self, file: Path) -> NDArray[np.uint8]:
        """See `ReadsMasks`."""
        mask = read_mask(file)
        if isinstance(mask, ColorMask):
            return relabel(mask.codes, self._by_code())
        return relabel(mask.values, self._of(mask))

    def _of(self, mask: IndexMask) -> NDArray[np.uint8]:
        """(256,) label of each of a mask's values."""
        if self._by_color is None:
            return self.table
        table = np.full(IGNORE + 1, IGNORE, np.uint8)
        for value in mask.present():
            if mask.palette is None:
                table[value] = self._by_color.get((value, value, value), IGNORE)
            elif value < len(mask.palette):
                table[value] = self._by_color.get(color_at(mask.palette, value), IGNORE)
        return table

    def _by_code(self) -> NDArray[np.uint8]:
        """The label of each of the 2 ** 24 colours: 16 MiB, made once."""
        if self._codes is None:
            self._codes = np.full(1 << 24, IGNORE, np.uint8)
            for (red, green, blue), label in (self._by_color or {}).items():
                self._codes[red << 16 | green << 8 | blue] = label
        return self._codes
