"""One process at a time: who comes second is told who holds a place, and touches nothing."""

from __future__ import annotations

import json
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

    file = place / WITHIN if within else place.with_name(f".{place.name}.lock")
    lock = FileLock(file, timeout=0, fallback_to_soft=False)
    holder = file.with_name(f"{file.name}.json")
    for file, ours in ((Path(lock.lock_file), _is_empty), (holder, _told)):
        refuse_overwrite([file], force=True)  # a link
        if file.exists() and not ours(file):
            raise RecycleError(f"{file} is not what recycle wrote there, so it is kept", "move it away")
    try:
        holder.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise _in_use(place, holder) from None
    except PermissionError as error:
        raise unwritable(place, error) from error
    except OSError as error:
        print(f"note: no lock can be had for {place} ({error}): see that nothing else writes there", file=sys.stderr)
        yield
        return
    try:
        began = datetime.now().astimezone().isoformat(timespec="seconds")
        command = printable(without_passwords(shlex.join(sys.argv)))
        write_json(holder, {"pid": os.getpid(), "command": command, "began": began})
        yield
    finally:
        for file in (holder, Path(lock.lock_file)):  # while it is locked: who opened it before finds it gone
            with suppress(OSError):
                file.unlink()
        lock.release()


def _is_empty(file: Path) -> bool:
    return file.stat().st_size == 0


def _told(holder: Path) -> dict[str, str | int]:
    """What the holder said of itself; nothing where it is not what `held` writes."""
    try:
        with open_state(holder, "r") as handle:
            told = json.loads(handle.read(2**20))
    except (OSError, RecycleError, ValueError, RecursionError):
        return {}
    kinds = {"pid": int, "command": str, "began": str}
    fits = isinstance(told, dict) and {key: type(value) for key, value in told.items()} == kinds
    return told if fits else {}


def _in_use(place: Path, holder: Path) -> RecycleError:
    told = _told(holder)
    if not told:
        return RecycleError(f"{place} is in use by another process", "wait for it")
    return RecycleError(
        f"{place} is in use by process {told['pid']} since {told['began']}: {told['command']}",
        f"wait for it, or end it: kill {told['pid']}",
    )
