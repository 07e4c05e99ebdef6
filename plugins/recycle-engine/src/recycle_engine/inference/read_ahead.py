"""Photos that threads read while others are predicted."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from recycle_engine.inference.infer import BATCH_PIXELS, batches

T = TypeVar("T")


def read_ahead(
    pool: ThreadPoolExecutor,
    read: Callable[[int], T],
    places: Iterable[int],
    size: int,
    pixels: Callable[[int], int],
) -> Iterator[tuple[list[int], list[T]]]:
    """Batches of places with what is read there; the next is read while the last is looked at.

    A batch of more than `BATCH_PIXELS`, which is one huge photo, is read when the last is done with.

    Args:
        pool: whose threads read.
        read: a photo at a place.
        places: of photos, in order.
        size: most photos of a batch.
        pixels: height x width of the photo at a place, without reading it.
    """
    ahead: deque[tuple[list[int], list[Future[T]]]] = deque()
    for batch in batches(places, size, pixels):
        huge = sum(map(pixels, batch)) > BATCH_PIXELS
        if not huge:
            ahead.append((batch, [pool.submit(read, place) for place in batch]))
        while len(ahead) > (0 if huge else 1):
            yield _finished(ahead)
        if huge:
            yield batch, [read(place) for place in batch]
    while ahead:
        yield _finished(ahead)


def _finished(ahead: deque[tuple[list[int], list[Future[T]]]]) -> tuple[list[int], list[T]]:
    """The oldest batch, taken off, once it is read."""
    batch, photos = ahead.popleft()
    return batch, [photo.result() for photo in photos]
