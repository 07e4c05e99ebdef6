"""What a function writes is nothing that it reads: not now, and not when it is called again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from recycle_coco.paths import PHOTO_SUFFIXES, on_list

from recycle_data.output_folder import FILES
from recyclecli.errors import RecycleError
from recyclecli.reading import on_open


class _Read(BaseException):
    """An output is read. Who leaves out what cannot be read lets this pass."""


@contextmanager
def never_read(output: str | Path | None) -> Iterator[None]:
    """Within the block, reading what an output would replace or join raises RecycleError, before anything is lost.

    That is the file in its place, and a folder of which all photos are taken where the output lies in it. Files that
    are no photos join nothing.

    Args:
        output: a file or folder to write; None for none.

    Raises:
        RecycleError: at the end of the block, which is left at once.
    """
    if output is None:
        yield
        return
    try:
        there = os.stat(output)  # noqa: PTH116 - one call for texts and paths
    except (OSError, ValueError):
        there = None
    joins = Path(output).suffix.lower() not in {*FILES} - PHOTO_SUFFIXES

    def look(file: Path, found: os.stat_result) -> None:
        if (
            there is not None
            and os.path.samestat(found, there)
            and (found.st_mtime_ns, found.st_size) == (there.st_mtime_ns, there.st_size)
        ):
            raise _Read(
                f"{output} is read by this command, as {file}: its output would replace its input",
                "name another file for the output",
            )

    def listed(folder: Path) -> None:
        if joins and Path(os.path.realpath(output)).is_relative_to(os.path.realpath(folder)):
            raise _Read(
                f"{output} is in {folder}, of which all photos are read: the output would join the input",
                "name a place outside of that folder for the output",
            )

    on_open.append(look)
    on_list.append(listed)
    try:
        yield
    except _Read as read:
        raise RecycleError(*read.args) from None
    finally:
        on_open.remove(look)
        on_list.remove(listed)


def will_read(files: Iterable[Path]) -> None:
    """Take files for read that another process reads, or that are read after something was written."""
    for file in files if on_open else ():
        with suppress(OSError, ValueError):
            found = file.stat()
            for look in on_open:
                look(file, found)
