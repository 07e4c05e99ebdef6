"""Windows that slide over a photo and overlap."""

from __future__ import annotations

import math

import torch

OVERLAP = 0.25  # share of a window's side that it has in common with the next


def window_starts(length: int, side: int) -> list[int]:
    """Where windows of `side` pixels begin on an axis, spread evenly; the last one ends at `length`."""
    if length <= side:
        return [0]
    count = math.ceil((length - side) / (side * (1 - OVERLAP))) + 1
    return [round(place * (length - side) / (count - 1)) for place in range(count)]


def window_weight(side: int) -> torch.Tensor:
    """(side, side) float32 weight of a window's pixels in the mean: falling to 0 over the overlap, 1 within."""
    reach = max(1, round(side * OVERLAP))
    ramp = (torch.arange(side, dtype=torch.float32) + 0.5) / reach
    ramp = torch.minimum(ramp, ramp.flip(0)).clamp_(max=1)
    return ramp[:, None] * ramp[None, :]
