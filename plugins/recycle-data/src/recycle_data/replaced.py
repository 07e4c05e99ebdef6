"""Files that a command replaces are none that it reads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recyclecli.errors import RecycleError
from recyclecli.reading.regular import on_open


@contextmanager
def never_read(output: str | Path | None) -> Iterator[None]:
    """Within the block, reading the file that an output would replace raises RecycleError, before it is lost.

    Args:
        output: a file to write; None for none.
    """
    try:
        there = None if output is None else os.stat(output)  # noqa: PTH116 - one call for texts and paths
    except (OSError, ValueError):
        there = None
    if there is None:
        yield
        return

    def look(file: Path, found: os.stat_result) -> None:
        if os.path.samestat(found, there) and (found.st_mtime_ns, found.st_size) == (there.st_mtime_ns, there.st_size):
            raise RecycleError(
                f"{output} is read by this command, as {file}: its output would replace its input",
                "name another file for the output",
            )

    on_open.append(look)
    try:
        yield
    finally:
        on_open.remove(look)
