"""Photos that are the same or look the same: pixel digests and perceptual hashes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from recyclecli.coco.photo import bands, open_photo

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

T = TypeVar("T")
R = TypeVar("R")

NEAR = 8  # bits of 64 by which the hashes of one photo's versions may differ
SAVED_ANEW = 2  # by which those of one photo in other sizes and of other quality do
CHUNK = 1024  # hashes that are compared with all others at a time
AHEAD = 2  # photos that are decoded ahead per core


def digest(image: Image.Image) -> str:
    """SHA-1 of the decoded RGB pixels and their size: equal for lossless copies under any name."""
    found = hashlib.sha1(f"{image.size}".encode(), usedforsecurity=False)
    for band in bands(image):
        found.update((band if band.mode == "RGB" else band.convert("RGB")).tobytes())
    return found.hexdigest()


def perceptual_hash(image: Image.Image) -> int:
    """64 bits of the photo's low frequencies (imagehash's phash), for telling what looks the same."""
    import imagehash

    return int(str(imagehash.phash(image)), 16)


def file_hash(file: Path) -> int:
    """`perceptual_hash` of a photo's file; RecycleError where it cannot be read."""
    with open_photo(file) as (image, _):
        return perceptual_hash(image)


def earlier_like(hashes: Sequence[int], groups: Sequence[object] | None = None, near: int = NEAR) -> list[int | None]:
    """For each hash the first earlier one within `near` bits, of another group if `groups` are given."""
    import numpy as np

    found: list[int | None] = [None] * len(hashes)
    codes = None if groups is None else np.unique(np.array([str(group) for group in groups]), return_inverse=True)[1]
    for start, close in _close(hashes, hashes, near):
        if codes is not None:
            close &= codes[start : start + len(close), None] != codes[None, :]
        first = close.argmax(1)
        for row in np.flatnonzero(close[np.arange(len(close)), first]).tolist():
            if first[row] < start + row:
                found[start + row] = int(first[row])
    return found


def first_like(hashes: Sequence[int], others: Sequence[int], near: int = NEAR) -> list[int | None]:
    """For each hash the first of `others` within `near` bits."""
    found: list[int | None] = []
    for _, close in _close(hashes, others, near):
        found += [int(row.argmax()) if row.any() else None for row in close]
    return found


def look_alikes(hashes: Sequence[int], near: int = NEAR) -> NDArray[np.int64]:
    """(n,) group of each hash: those within `near` bits, and whatever is linked through them."""
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows, columns = [], []
    for start, close in _close(hashes, hashes, near):
        row, column = np.nonzero(close)
        rows.append(row + start)
        columns.append(column)
    links = (np.concatenate(rows), np.concatenate(columns))
    graph = coo_array((np.ones(len(links[0]), np.int8), links), shape=(len(hashes),) * 2)
    groups: NDArray[np.int64] = connected_components(graph, directed=False)[1].astype(np.int64)
    return groups


def _close(hashes: Sequence[int], others: Sequence[int], near: int) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """(start, (rows, n) bool): which of n `others` are within `near` bits of `rows` consecutive hashes."""
    import numpy as np

    values, known = np.array(hashes, np.uint64), np.array(others, np.uint64)
    for start in range(0, len(values), CHUNK):
        distance = np.bitwise_count(values[start : start + CHUNK, None] ^ known[None, :])
        yield start, distance <= near


def in_threads(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """`work` of each item in order, on all cores; few results wait, so that memory stays bounded.

    For decoding photos, during which other threads can run.
    """
    from collections import deque

    cores = os.cpu_count() or 2
    with ThreadPoolExecutor(cores) as pool:
        waiting: deque[object] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= AHEAD * cores:
                yield waiting.popleft().result()  # type: ignore[attr-defined]
        while waiting:
            yield waiting.popleft().result()  # type: ignore[attr-defined]
