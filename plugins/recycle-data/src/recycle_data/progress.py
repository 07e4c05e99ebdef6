"""A progress bar on stderr for loops that a person waits for; nothing where nobody looks."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def track(items: Iterable[T], total: int, label: str) -> Iterator[T]:
    """Yield `items`, showing how many of `total` are done when stderr is a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.progress import Progress

    from recyclecli.console import Console
    from recyclecli.printable import printable_streams

    # rich shows what is printed meanwhile above the bar, after reading it as a terminal would
    with Progress(console=Console(stderr=True), transient=True) as progress, printable_streams():
        yield from progress.track(items, total=total, description=label)
