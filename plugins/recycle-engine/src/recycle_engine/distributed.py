"""Which of several processes this is, and what only the first may do."""

from __future__ import annotations

import logging
from typing import TypeVar

import torch
from lightning.pytorch.utilities import rank_zero_only

from recyclecli.types import IGNORE

T = TypeVar("T")


def is_first() -> bool:
    """Whether this process writes files and talks: rank 0, also before any of them have met."""
    return int(getattr(rank_zero_only, "rank", 0) or 0) == 0


for _name in ("coco", "data", "datasets", "engine", "kornia", "smp"):  # what a training calls, in each process
    logging.getLogger(f"recycle.{_name}").addFilter(lambda _: is_first())


def of_first(value: T) -> T:
    """What the first of the processes that train together has for a value, be it by its clock; a lone one's own."""
    shared = [value]
    if torch.distributed.is_initialized():
        torch.distributed.broadcast_object_list(shared)
    return shared[0]


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
