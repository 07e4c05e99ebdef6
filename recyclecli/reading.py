"""Reading what a stranger may have written: regular files alone, and no more of them than a limit."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path

from recyclecli.errors import RecycleError

MIB = 2**20
SMALL = 16 * MIB  # bytes of a file that a person or one of our commands writes
OPEN_FLAGS = sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY"))
FILE_KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}  # else a device

on_open: list[Callable[[Path, os.stat_result], None]] = []  # told of each file before it is read; may raise


class MissingFile(RecycleError):
    """There is no such file."""


def open_regular(file: Path) -> BufferedReader:
    """Open a regular file for reading, without waiting for anybody to write to it.

    Raises:
        MissingFile: there is no such file.
        RecycleError: a folder, a named pipe, a device, or a file that may not be read.
    """
    try:
        refuse_special(file, file.stat().st_mode)
        number = os.open(file, os.O_RDONLY | OPEN_FLAGS)
        try:
            refuse_special(file, (found := os.fstat(number)).st_mode)
            for look in on_open:
                look(file, found)
        except BaseException:
            os.close(number)
            raise
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingFile(f"{file} does not exist", "check its name and its folder") from error
    except PermissionError as error:
        remedy = f"chmod u+r {shlex.quote(str(file))}"
        raise RecycleError(f"{file} cannot be read: {error.strerror}", remedy) from error
    except OSError as error:
        raise RecycleError(f"{file} cannot be read: {error.strerror or error}", "check its name") from error
    except ValueError as error:  # NUL or half a character
        raise RecycleError(f"{str(file)!r} cannot be a file's name: {error}", "correct the name") from error
    return os.fdopen(number, "rb")


def refuse_special(file: Path, mode: int) -> None:
    """Raise RecycleError where the mode, as `os.stat` gives it, is not that of a regular file."""
    if not stat.S_ISREG(mode):
        raise RecycleError(
            f"{file} is {FILE_KINDS.get(stat.S_IFMT(mode), 'a device')}, and a regular file is expected",
            "name a file, or save what comes from there as one",
        )


def read_bytes(file: Path, most: int = SMALL) -> bytes:
    """The bytes of a regular file of at most `most` bytes.

    Raises:
        MissingFile: there is no such file.
        RecycleError: see `open_regular`; or the file is larger.
    """
    try:
        with open_regular(file) as handle:
            size = min(os.fstat(handle.fileno()).st_size, most)
            data = handle.read(size + 1)
            if len(data) > size:  # it grows, or its file system states no size
                data += handle.read(most + 1 - len(data))
    except OSError as error:
        raise RecycleError(f"{file} cannot be read: {error.strerror or error}", "check its disk") from error
    if len(data) > most:
        raise RecycleError(
            f"{file} has more than {most / MIB:g} MiB, the most that is read of a file of its kind",
            "check that it is the file that you mean",
        )
    return data


def read_text(file: Path, most: int = SMALL, encoding: str = "utf-8-sig") -> str:
    """The text of a regular UTF-8 file, with or without a byte order mark; line ends become a newline.

    Raises:
        MissingFile: there is no such file.
        RecycleError: see `read_bytes`; or the file is no UTF-8 text.
    """
    try:
        text = read_bytes(file, most).decode(encoding)
    except UnicodeDecodeError as error:
        raise RecycleError(f"{file} is no UTF-8 text: {error}", "save it as UTF-8") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")
