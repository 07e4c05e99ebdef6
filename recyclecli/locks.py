"""One process at a time: who comes second is told who holds a place, and touches nothing."""

from __future__ import annotations

import json
import logging
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from recyclecli.errors import RecycleError
from recyclecli.files import open_state, refuse_overwrite, unwritable, write_json
from recyclecli.printable import printable
from recyclecli.private import without_passwords

WITHIN = ".recycle.lock"  # in a folder that one command at a time writes into


@contextmanager
def held(place: Path, within: bool = False) -> Iterator[None]:
    """Hold a file's or folder's place alone while the block runs.

    The operating system lets go of the lock when this process ends, however that is. A file beside the lock says
    who holds it.

    Args:
        place: what is written; the lock, .NAME.lock, lies beside it.
        within: it is a folder, and the lock, .recycle.lock, lies in it: of what is held so, commands that write files
            of different names into it hold the same.

    Raises:
        RecycleError: another process holds it, or nothing can be written there.
    """
    from filelock import FileLock, Timeout

    file = lock_of(place, within)
    taken = FileLock(file, timeout=0, fallback_to_soft=False)
    note = note_of(file)
    for file, ours in ((Path(taken.lock_file), lambda one: not one.stat().st_size), (note, told)):
        refuse_overwrite([file], force=True)  # a link
        if file.exists() and not ours(file):
            raise RecycleError(f"{file} is not what recycle wrote there, so it is kept", "move it away")
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        taken.acquire()
    except Timeout:
        raise _in_use(place, note) from None
    except PermissionError as error:
        raise unwritable(place, error) from error
    except OSError as error:
        text = f"note: no lock can be had for {place} ({error}): see that nothing else writes there"
        logging.getLogger("recycle.core").warning(text)
        yield
        return
    try:
        began = datetime.now().astimezone().isoformat(timespec="seconds")
        command = printable(without_passwords(shlex.join(sys.argv)))
        write_json(note, {"pid": os.getpid(), "command": command, "began": began})
        yield
    finally:
        for file in (note, Path(taken.lock_file)):  # while it is locked: who opened it before finds it gone
            with suppress(OSError):
                file.unlink()
        taken.release()


def lock_of(place: Path, within: bool = False) -> Path:
    """The lock of a place, see `held`."""
    whole = Path(os.path.abspath(place))  # noqa: PTH100 - `..` has no name of its own, and links stay
    return place / WITHIN if within else whole.with_name(f".{whole.name}.lock")


def note_of(file: Path) -> Path:
    """The file beside a lock that says who holds it."""
    return file.with_name(f"{file.name}.json")


def told(note: Path) -> dict[str, str | int]:
    """What the holder said of itself; nothing where it is not what `held` writes."""
    try:
        with open_state(note, "r") as handle:
            said = json.loads(handle.read(2**20))
    except (OSError, RecycleError, ValueError, RecursionError):
        return {}
    kinds = {"pid": int, "command": str, "began": str}
    fits = isinstance(said, dict) and {key: type(value) for key, value in said.items()} == kinds
    return said if fits else {}


def _in_use(place: Path, note: Path) -> RecycleError:
    if not (holder := told(note)):
        return RecycleError(f"{place} is in use by another process", "wait for it")
    return RecycleError(
        f"{place} is in use by process {holder['pid']} since {holder['began']}: {holder['command']}",
        f"wait for it, or end it: kill {holder['pid']}",
    )
