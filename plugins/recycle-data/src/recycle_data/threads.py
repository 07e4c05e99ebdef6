"""Work on photos in threads, during whose decoding other threads can run."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

PHOTOS_AHEAD_PER_CORE = 2  # photos that are decoded ahead per core


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2


def in_threads(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """`work` of each item in order, on all cores; few results wait, so that memory stays bounded."""
    threads = cores()
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[R]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= PHOTOS_AHEAD_PER_CORE * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
