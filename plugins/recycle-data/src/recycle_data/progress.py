"""Progress on stderr, on one line, for what a person waits for; nothing where nobody looks."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

T = TypeVar("T")

_free = Lock()  # held while a bar is shown


@contextmanager
def terminal_bar() -> Iterator[Progress | None]:
    """A bar for the tasks that it is given, gone when the block ends.

    None where stderr is no terminal, and where a bar is shown already: two would draw over each other.
    """
    if not sys.stderr.isatty() or not _free.acquire(blocking=False):
        yield None
        return
    from rich.progress import Progress

    from recyclecli.console import Console
    from recyclecli.printable import printable_streams

    # rich shows what is printed meanwhile above the bar, after reading it as a terminal would
    try:
        with Progress(console=Console(stderr=True), transient=True) as progress, printable_streams():
            yield progress
    finally:
        _free.release()


def track(items: Iterable[T], total: int, label: str) -> Iterator[T]:
    """Yield `items`, showing how many of `total` are done when stderr is a terminal."""
    with terminal_bar() as progress:
        yield from progress.track(items, total=total, description=label) if progress else items


@contextmanager
def busy(label: str) -> Iterator[None]:
    """Show in a terminal that the block, whose end nobody knows beforehand, is being worked on."""
    with terminal_bar() as progress:
        if progress:
            progress.add_task(label, total=None)
        yield
