"""Sums that are exact in any order."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def exact_sums() -> Iterator[None]:
    """Within, whole numbers are added on a GPU as they come, also where torch is told to be deterministic.

    Their sum is the same in any order; torch would sort them first.
    """
    deterministic = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(False)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(deterministic[0], warn_only=deterministic[1])
