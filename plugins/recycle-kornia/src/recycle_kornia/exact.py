"""Sums that are exact in any order."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def exact_sums() -> Iterator[None]:
    """Within, whole numbers are added on a GPU as they come, also where torch is told to be deterministic.

    Their sum is the same in any order; torch would sort them first.
    """
    before = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("default")
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)
