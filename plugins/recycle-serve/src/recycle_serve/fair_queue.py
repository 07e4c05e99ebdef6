"""Who is served next: one thread that predicts, a bounded number of places, and turns that are fair."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition, Event, Thread
from typing import Any, Generic, TypeVar

from recycle_serve.refusal import Limits, RequestRejected

T = TypeVar("T")


class ClientGone(Exception):
    """The client went away before it was answered."""


@dataclass(eq=False, slots=True)
class Ticket:
    """One request's place, from its first byte to its answer.

    Attributes:
        address: where it comes from.
        page: the open page that it comes from, by the number that the page gave itself.
        gone: set when nobody waits for the answer any more.
    """

    address: str
    page: str
    gone: Event = field(default_factory=Event)

    def stay(self) -> None:
        """Raise Left where nobody waits any more: asked between the steps of long work."""
        if self.gone.is_set():
            raise ClientGone


@dataclass(eq=False, slots=True)
class _Job(Generic[T]):
    number: int
    place: Ticket
    work: Callable[[], T]
    future: Future[T]


class FairQueue:
    """Places, and the thread that works.

    The address that was served longest ago is next, among its pages the one that was served longest
    ago, and of that page's requests the earliest. So neither many requests of one page nor many pages of
    one machine keep others waiting for more than one piece of work.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held: list[Ticket] = []
        self._waiting: list[_Job[Any]] = []
        self._served: dict[tuple[str, ...], int] = {}
        self._number = 0
        self._seconds = 1.0  # that the last piece of work took
        self._ready = Condition()
        self._ended = False
        self._thread = Thread(target=self._work, name="predicting", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def end(self, seconds: float) -> bool:
        """End after the piece of work at hand; whether that was done within so long."""
        with self._ready:
            self._ended = True
            self._ready.notify()
        if self._thread.is_alive():
            self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """Pieces of work that are not begun."""
        return len(self._waiting)

    @contextmanager
    def place(self, address: str, page: str) -> Iterator[Ticket]:
        """A place for one request, free again when the block ends.

        Raises:
            RequestRejected: all that there are, or all that one address or page may have, are taken.
        """
        limits, held = self._limits, Counter[str](place.address for place in self._held)
        of_page = sum((place.address, place.page) == (address, page) for place in self._held)
        if of_page >= limits.places_of_page:
            raise self._busy(f"this page waits for {of_page} answers already")
        if len(self._held) >= limits.places or held[address] >= limits.places_of_address:
            raise self._busy(f"{len(self._held)} requests wait already")
        taken = Ticket(address, page)
        self._held.append(taken)
        try:
            yield taken
        finally:
            taken.gone.set()
            self._held.remove(taken)

    def _busy(self, cause: str) -> RequestRejected:
        wait = max(1, math.ceil(self._seconds * len(self._held)))
        return RequestRejected(503, f"busy: {cause}", f"try again in {wait} s", {"Retry-After": str(wait)})

    async def run(self, place: Ticket, work: Callable[[], T], left: Callable[[], Awaitable[None]]) -> T:
        """What `work` gives, in the thread and when it is this place's turn.

        Args:
            place: the request's.
            work: not begun where the client has left before its turn.
            left: returns when the client has gone away.

        Raises:
            Left: the client went away.
        """
        with self._ready:
            self._number += 1
            job = _Job(self._number, place, work, Future[T]())
            self._waiting.append(job)
            self._ready.notify()
        answer = asyncio.wrap_future(job.future)
        leaving = asyncio.ensure_future(left())
        either: set[asyncio.Future[Any]] = {answer, leaving}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return await answer
            raise ClientGone
        finally:
            place.gone.set()
            leaving.cancel()
            answer.cancel()  # and with it the future, unless it runs
            with self._ready:
                if job in self._waiting:  # else its photo would be held until its turn
                    self._waiting.remove(job)

    def _work(self) -> None:
        while True:
            with self._ready:
                while not self._waiting and not self._ended:
                    self._served.clear()
                    self._ready.wait()
                if self._ended:
                    return
                job = self._next()
            if not job.future.set_running_or_notify_cancel():
                continue
            began = time.monotonic()
            try:
                job.future.set_result(job.work())
            except BaseException as error:  # it is the request's to answer
                job.future.set_exception(error)
            self._seconds = time.monotonic() - began

    def _next(self) -> _Job[Any]:
        def last(job: _Job[Any]) -> tuple[int, int, int]:
            address, page = (job.place.address,), (job.place.address, job.place.page)
            return self._served.get(address, 0), self._served.get(page, 0), job.number

        job = min(self._waiting, key=last)
        self._waiting.remove(job)
        self._number += 1
        self._served[(job.place.address,)] = self._served[(job.place.address, job.place.page)] = self._number
        return job
