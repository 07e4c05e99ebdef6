"""Writing so that a file is either whole or absent: beside its place, then renamed."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from recyclecli.errors import RecycleError, RunFailed

FULL = (errno.ENOSPC, errno.EDQUOT)
PART = ".part"  # ends the name of a file that is still being written


class NameTooLong(RecycleError):
    """A file's name, or that of its unfinished part, is longer than the file system takes."""


@contextmanager
def whole(path: Path, keep: bool = False) -> Iterator[Path]:
    """Yield a place beside `path` to write to; when the block succeeds it becomes `path`.

    The bytes are on the disk before the name appears, so a kill or a power cut leaves the
    old file or the new one. The unfinished file is removed when the block raises, unless `keep`.

    Raises:
        RecycleError: the folder cannot be created or written to.
        RunFailed: the disk is full.
    """
    part = path.with_name(path.name + PART)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        yield part
        with part.open("rb+") as handle:
            os.fsync(handle.fileno())
        part.replace(path)
    except OSError as error:
        if error.errno in FULL:
            raise unwritable(path, error) from error
        raise
    finally:
        if not keep:
            part.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` as `whole` would, opening the file once.

    Raises:
        RecycleError: the folder cannot be created or written to.
        RunFailed: the disk is full.
    """
    part = path.with_name(path.name + PART)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as handle:
                handle.write(data)
                handle.flush()
                os.fsync(handle.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise unwritable(path, error) from error


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 with `write_bytes`."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any, *, indent: int | None = None) -> None:
    """Write `value` as JSON with `whole`; NaN and infinity, which JSON lacks, raise ValueError."""
    write_text(path, json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent) + "\n")


def refuse_overwrite(paths: list[Path], force: bool) -> None:
    """Raise RecycleError, naming the first of `paths` that exists, unless `force`."""
    for path in paths:
        with suppress(OSError):  # of a name that no file can have
            if path.exists() and not force:
                raise RecycleError(f"{path} exists", "choose another place, or pass --force to replace it")


def unwritable(path: Path, error: OSError) -> RecycleError:
    """The error to raise where `path` cannot be written."""
    if error.errno in FULL:
        return RunFailed(f"the disk is full: {path}", "free some space, then type the command again")
    if error.errno == errno.ENAMETOOLONG:
        return NameTooLong(f"the name is too long to be written: {path}", "shorten it")
    return RecycleError(
        f"cannot write {path}: {error.strerror or error}",
        "check the folder's permissions, or write elsewhere",
    )
