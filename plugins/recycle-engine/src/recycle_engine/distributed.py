"""Which of several processes this is, and what only the first may do."""

from __future__ import annotations

import sys

import torch
from lightning.pytorch.utilities import rank_zero_only

from recyclecli.types import IGNORE


def is_first() -> bool:
    """Whether this process writes files and talks: rank 0, also before any of them have met."""
    return int(getattr(rank_zero_only, "rank", 0) or 0) == 0


def rank_zero_print(text: str) -> None:
    """Print to stderr, from the first process alone."""
    if is_first():
        print(text, file=sys.stderr)


def labelled_pixels(mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """How many pixels are labelled here, and in all processes together: scalars, float32.

    Args:
        mask: (N, H, W), 255 = ignore.
    """
    own = (mask != IGNORE).sum().float()
    total = own.clone()
    if torch.distributed.is_initialized():
        torch.distributed.all_reduce(total)
    return own, total
