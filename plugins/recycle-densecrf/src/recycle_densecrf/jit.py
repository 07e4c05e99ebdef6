"""Compiling with numba."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` compiled at its first call, free of Python's lock, kept on disk for the next process.

    Sums may be reordered; no NaN or infinity may go in. Where no folder for the cache can be written,
    each process compiles anew.
    """
    settings: Any = {"nogil": True, "fastmath": True, "error_model": "numpy"}
    try:
        return njit(cache=True, **settings)(function)  # type: ignore[no-any-return]
    except RuntimeError:  # numba found no folder to write to
        return njit(**settings)(function)  # type: ignore[no-any-return]


class Threads:
    """Threads that share out ranges of rows; to be used as a context."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count)

    def __enter__(self) -> "Threads":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def each(self, length: int, work: Callable[[int, int, int], object]) -> None:
        """Call work(thread, start, stop) for `count` parts of range(length) at once; wait for all."""
        edges = [length * thread // self.count for thread in range(self.count + 1)]
        parts = [self._pool.submit(work, thread, *edges[thread : thread + 2]) for thread in range(self.count)]
        for part in parts:
            part.result()
