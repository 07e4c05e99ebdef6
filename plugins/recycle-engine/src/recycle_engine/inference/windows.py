"""Windows that slide over a photo and overlap; their mean, computed from top to bottom."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from recycle_engine.inference.scores import TINY

OVERLAP = 0.25  # share of a window's side that it has in common with the next


def window_starts(length: int, side: int) -> list[int]:
    """Where windows of `side` pixels begin on an axis, spread evenly; the last one ends at `length`."""
    if length <= side:
        return [0]
    count = math.ceil((length - side) / (side * (1 - OVERLAP))) + 1
    return [round(place * (length - side) / (count - 1)) for place in range(count)]


def window_weight(height: int, width: int) -> torch.Tensor:
    """(height, width) float32 weight of a window's pixels in the mean: falling to 0 over the overlap, 1 within."""
    return _ramp(height)[:, None] * _ramp(width)[None, :]


def _ramp(side: int) -> torch.Tensor:
    reach = max(1, round(side * OVERLAP))
    ramp = (torch.arange(side, dtype=torch.float32) + 0.5) / reach
    return torch.minimum(ramp, ramp.flip(0)).clamp_(max=1)


class WindowedScores:
    """Scores (K, h, w) of a photo seen through windows: the log of the weighted mean of their probabilities.

    They are computed as rows are asked for, from top to bottom, and let go of once rows further below are, so that no
    more than two rows of windows are held.

    Args:
        image: (h, w, 3) uint8 RGB.
        window: height and width of the windows.
        classes: K.
        shares: of windows (h, w, 3) uint8, no larger than `window`, the probabilities (K, *window) float32 of each.
        device: where these are.
        end: called when the last window was seen.

    Attributes:
        shape: K, h, w.
        device: where the scores are.
    """

    def __init__(
        self,
        image: NDArray[np.uint8],
        window: tuple[int, int],
        classes: int,
        shares: Callable[[Sequence[NDArray[np.uint8]]], Iterator[torch.Tensor]],
        device: torch.device,
        end: Callable[[], None],
    ) -> None:
        height, width = image.shape[:2]
        self.shape, self.device = (classes, height, width), device
        self._image, self._window, self._shares, self._end = image, window, shares, end
        self._weight = window_weight(*window).to(device)
        self._tops, self._lefts = window_starts(height, window[0]), window_starts(width, window[1])
        self._begun = 0  # rows of windows
        self._top = self._finished = 0  # first row that is held, and that is not finished
        self._held = torch.zeros(classes, 0, width, device=device)

    @torch.inference_mode()
    def rows(self, first: int, last: int) -> torch.Tensor:
        """(K, last - first, w) float32 scores; no `first` may be less than an earlier one."""
        while self._finished < last:
            self._see(first)
        return self._held[:, first - self._top : last - self._top]

    def _see(self, first: int) -> None:
        """See the next row of windows, and let go of rows above `first`."""
        top = self._tops[self._begun]  # what is above is finished
        first = min(first, top)
        kept = self._held = self._held[:, first - self._top :].clone()  # the rest is let go of before more is held
        end = min(top + self._window[0], self.shape[1])
        held = torch.zeros(self.shape[0], end - first, self.shape[2], device=self.device)
        held[:, : kept.shape[1]] = kept
        self._held, self._top = held, first
        rows = self._image[top:end]
        windows = [rows[:, left : left + self._window[1]] for left in self._lefts]
        for left, shares in zip(self._lefts, self._shares(windows), strict=True):
            target = held[:, top - first :, left : left + self._window[1]]
            target += (shares * self._weight)[:, : target.shape[1], : target.shape[2]]
        self._begun += 1
        below = self._tops[self._begun] if self._begun < len(self._tops) else self.shape[1]
        done = held[:, self._finished - first : below - first]
        done.div_(done.sum(0)).clamp_(min=TINY).log_()
        self._finished = below
        if below == self.shape[1]:
            self._end()
