"""How loading processes hand batches over: in shared memory, or through a pipe where there is too little of it."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Callable, Sequence
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import torch

log = logging.getLogger("recycle.engine")


SHARED_MEMORY = Path("/dev/shm")
BATCHES_AHEAD = 3  # batches of a loading process that lie there at once: two that wait, and the one at hand


def handing_over(sizes: Sequence[int]) -> Callable[[int], None] | None:
    """What each loading process does first; None where shared memory holds all that they load ahead.

    A process that finds it full loses its batch, and training would wait for that forever. So it is found now.
    Containers have 64 MB of it unless they are started with more.

    Args:
        sizes: bytes of a batch of each process that loads on this machine, of training and validation together.
    """
    if not sizes or sys.platform != "linux":
        return None
    needed = BATCHES_AHEAD * sum(sizes)
    free = shutil.disk_usage(SHARED_MEMORY).free if SHARED_MEMORY.is_dir() else 0
    if free >= needed:
        return None
    log.warning(
        f"note: {SHARED_MEMORY} has {free / 2**20:.0f} MiB free and {len(sizes)} loading processes take up to "
        f"{needed / 2**20:.0f} MiB, so batches go through a pipe, which is slower; "
        "docker run --shm-size or --ipc=host gives more"
    )
    return through_pipe


def through_pipe(_: int) -> None:
    """Make this process send tensors as plain bytes."""
    ForkingPickler.register(torch.Tensor, _by_value)


def _by_value(tensor: torch.Tensor) -> tuple[Callable[..., torch.Tensor], tuple[Any]]:
    return torch.from_numpy, (tensor.numpy(),)
