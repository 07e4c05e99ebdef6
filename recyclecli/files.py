"""Writing so that a file is either whole or absent, and so that no link leads a write elsewhere."""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from recyclecli.errors import RecycleError, RunFailed

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

FULL = (errno.ENOSPC, errno.EDQUOT)
PART = ".part"  # ends the name of a file that is still being written
LEFTOVER = re.compile(r"\.recycle-[0-9a-f]{16}\.part")
NOFOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # no link, and no waiting for a pipe's end

_swept: set[Path] = set()  # folders that this process has looked through


class NameTooLong(RecycleError):
    """A file's name is longer than the file system takes."""


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a place beside `path` to write to; when the block succeeds it becomes `path`.

    The bytes are on the disk before the name appears, so a kill or a power cut leaves the
    old file or the new one. The place has a name of chance that nothing else can have; it is removed
    when the block raises, and after a kill by the next write into the folder.

    Raises:
        RecycleError: `path` is a link or no file, or the folder cannot be created or written to.
        RunFailed: the disk is full.
    """
    part, handle = _begin(path)
    if fcntl is None:  # Windows renames no file that is open
        os.close(handle)
    try:
        yield part
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        try:
            part.replace(path)
        except OSError as error:
            raise unwritable(path, error) from error
    except OSError as error:
        if error.errno in FULL:
            raise unwritable(path, error) from error
        raise
    finally:
        part.unlink(missing_ok=True)
        if fcntl is not None:
            os.close(handle)


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` with `whole`.

    Raises:
        RecycleError: `path` is a link or no file, or the folder cannot be created or written to.
        RunFailed: the disk is full.
    """
    try:
        with atomic_path(path) as part:
            part.write_bytes(data)
    except OSError as error:
        raise unwritable(path, error) from error


def write_text(path: Path, text: str) -> None:
    """Write `text` with `encoded` and `write_bytes`."""
    write_bytes(path, encoded(path, text))


def encoded(path: Path, text: str) -> bytes:
    """`text` as UTF-8; RecycleError where it holds a name that is none, so that `path` cannot be written."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise RecycleError(
            f"{path} cannot hold a name that is no UTF-8: {text[max(error.start - 60, 0) : error.end]}", "rename it"
        ) from error


def write_json(path: Path, value: Any, *, indent: int | None = None) -> None:
    """Write `value` as JSON with `whole`; NaN and infinity, which JSON lacks, raise ValueError."""
    write_text(path, json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent) + "\n")


def open_state(path: Path, mode: str = "rb") -> IO[Any]:
    """Open a file of fixed name that tells a later call how far this one is: what a stranger put there is refused.

    Args:
        path: of the file, which may not be a link.
        mode: as for `open`, without `w` and `x`.

    Raises:
        RecycleError: it is no regular file, belongs to another user, or has further names.
        OSError: it cannot be opened.
    """

    def opener(name: str, flags: int) -> int:
        try:
            handle = os.open(name, flags | NOFOLLOW, 0o666)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EMLINK):
                raise _not_ours(path, "a link") from error
            raise
        if fault := _fault(os.fstat(handle)):
            os.close(handle)
            raise _not_ours(path, fault)
        return handle

    return open(path, mode, opener=opener, encoding=None if "b" in mode else "utf-8")


def refuse_overwrite(paths: list[Path], force: bool) -> None:
    """Refuse to replace files.

    Raises:
        RecycleError: the first of `paths` that exists, unless `force`; or that is a link or no regular file.
    """
    for path in paths:
        with suppress(OSError):  # of a name that no file can have
            if os.path.lexists(path) and not force:
                raise RecycleError(f"{path} exists", "choose another place, or pass --force to replace it")
            _refuse_odd(path)


def lock(handle: int, wait: bool = True) -> bool | None:
    """Lock an open file until it is closed, against other processes that lock it, too.

    Returns:
        Whether it is locked now; None where the system or the file system has no locks.
    """
    if fcntl is None:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def sweep_below(folder: Path) -> None:
    """`sweep` a folder and all folders below it; no link is followed."""
    if not folder.is_symlink():
        with suppress(RecursionError):  # deeper than what we write
            for place, _, _ in os.walk(folder):
                sweep(Path(place))


def sweep(folder: Path) -> None:
    """Remove what writers that were killed left in a folder: files of their names that no process has locked."""
    try:
        found = [Path(entry.path) for entry in os.scandir(folder) if LEFTOVER.fullmatch(entry.name)]
    except OSError:
        return
    for part in found:
        with suppress(OSError, RecycleError), open_state(part) as handle:
            if lock(handle.fileno(), wait=False):
                part.unlink()


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


def _begin(path: Path) -> tuple[Path, int]:
    """A new file in the folder of `path`, and a handle that has it locked."""
    _refuse_odd(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.parent not in _swept:
            sweep(path.parent)
            _swept.add(path.parent)
        while True:
            part = path.with_name(f".recycle-{os.urandom(8).hex()}{PART}")
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NOFOLLOW, 0o666)
            lock(handle)
            if part.exists():  # else another process swept before the lock was there
                return part, handle
            os.close(handle)
    except OSError as error:
        raise unwritable(path, error) from error


def _refuse_odd(path: Path) -> None:
    """Raise RecycleError where a link, a folder or a device stands in the place of a file."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if stat.S_ISLNK(mode):
        raise RecycleError(
            f"{path} is a link, and no write follows one", f"rm {shlex.quote(str(path))}, or name the file it leads to"
        )
    if not stat.S_ISREG(mode):
        raise RecycleError(f"{path} exists and is no file", "move it away, or choose another place")


def _fault(found: os.stat_result) -> str | None:
    if not stat.S_ISREG(found.st_mode):
        return "no regular file"
    if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
        return "another user's"
    return "one of several names of a file" if found.st_nlink > 1 else None


def _not_ours(path: Path, fault: str) -> RecycleError:
    return RecycleError(
        f"{path} is {fault}, which recycle did not make", f"look what it is, then: rm {shlex.quote(str(path))}"
    )
