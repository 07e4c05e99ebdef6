"""Clocks that wait for the GPU."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from gpu.settings import settings


def synchronize() -> None:
    """Wait until the GPU has done what it was given."""
    if settings().cuda:
        torch.cuda.synchronize()


def seconds_of(work: Callable[[], object]) -> float:
    """The seconds of one call."""
    synchronize()
    began = time.perf_counter()
    work()
    synchronize()
    return time.perf_counter() - began


def calls_per_second(work: Callable[[], object], seconds: float, together: int) -> float:
    """How often a second something can be called, after three calls that warm it.

    Args:
        work: what is called.
        seconds: for so long at least.
        together: calls between two looks at the clock.
    """
    for _ in range(3):
        work()
    spent, calls = 0.0, 0
    while spent < seconds:
        spent += seconds_of(lambda: [work() for _ in range(together)])
        calls += together
    return calls / spent
