"""In which shape a model sees photos: at their own aspect, without more black pixels than it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from recycle_data.boundary import PluginPart
from recycle_data.letterbox import fitted_size
from torch import nn

from recyclecli.types import Source

Sides = tuple[int, int]  # height, width

MULTIPLE = 32  # of the sides of what a model is given, where it states none
LARGEST_MULTIPLE = 1024
ASPECT_SHARE = 0.9  # of the training photos, whose aspects have to agree for a window of their shape
ASPECT_FACTOR = 1.05  # by which aspects differ at most that agree


@dataclass(frozen=True, slots=True)
class InputShape:
    """How photos of any size become what a model sees.

    Attributes:
        size: longer side in pixels that photos are scaled to: `data.size`.
        window: height and width of what the model is trained on.
        multiple: a photo's sides are padded to multiples of it; 0: to the window, whatever the photo's aspect, as by
            runs of recyclecli 0.1 and by exports of a fixed shape.
    """

    size: int
    window: Sides
    multiple: int = MULTIPLE

    @classmethod
    def of_card(cls, card: Mapping[str, Any], multiple: int) -> InputShape:
        """That of a checkpoint's card; one of recyclecli 0.1 states no window and was trained on squares."""
        size, window = int(card["size"]), card.get("window")
        return cls(size, (window[0], window[1]), multiple) if window else cls(size, (size, size), 0)

    def whole(self, height: int, width: int, scale: float = 1) -> tuple[Sides, Sides]:
        """What a photo of this height and width is resized to, and the frame in whose corner it then lies."""
        if self.multiple:
            inner = self.scaled(height, width, scale)
            return inner, padded(inner, self.multiple)
        rows, columns = (max(1, round(side * scale)) for side in self.window)
        if height * columns >= width * rows:
            return (rows, max(1, round(width * rows / height))), (rows, columns)
        return (max(1, round(height * columns / width)), columns), (rows, columns)

    def scaled(self, height: int, width: int, scale: float) -> Sides:
        """Height and width of a photo that is enlarged to `scale` times the size."""
        return fitted_size(height, width, max(1, round(self.size * scale)))

    def sliding(self, height: int, width: int) -> Sides:
        """Height and width of the windows that slide over a photo of this height and width: at most as large as it."""
        if not self.multiple:
            return self.window
        rows, columns = padded((height, width), self.multiple)
        return min(self.window[0], rows), min(self.window[1], columns)


def padded(inner: Sides, multiple: int) -> Sides:
    """The least height and width that are multiples and no smaller than `inner`."""
    rows, columns = (side + -side % multiple for side in inner)
    return rows, columns


def training_window(source: Source, size: int, multiple: int = MULTIPLE) -> Sides:
    """Height and width of what a model is trained on: of the photos' own aspect where they agree, else a square.

    Args:
        source: the training photos; only their records are read.
        size: longer side in pixels that they are scaled to.
        multiple: of the sides of what the model is given.
    """
    sides = np.array([(record.height, record.width) for record in map(source.record, range(len(source)))])
    aspects = np.log(sides[:, 1] / sides[:, 0])
    middle = np.argsort(aspects, kind="stable")[(len(aspects) - 1) // 2]
    agree = np.abs(aspects - aspects[middle]) <= np.log(ASPECT_FACTOR)
    rows, columns = sides[middle].tolist() if agree.mean() >= ASPECT_SHARE else (1, 1)
    return padded(fitted_size(rows, columns, size), multiple)


def multiple_of(part: PluginPart, model: nn.Module) -> int:
    """What a model states as its attribute `multiple`, else `MULTIPLE`.

    Raises:
        RecycleError: it is no whole number of 1 to `LARGEST_MULTIPLE`.
    """
    stated = getattr(model, "multiple", MULTIPLE)
    fits = isinstance(stated, int) and not isinstance(stated, bool) and 1 <= stated <= LARGEST_MULTIPLE
    part.check(fits, f"its attribute multiple: a whole number of 1 to {LARGEST_MULTIPLE}", repr(stated))
    return stated
