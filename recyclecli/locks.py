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


@contextmanager
def held(place: Path) -> Iterator[None]:
    """Hold a file's or folder's place alone while the block runs.

    The operating system lets go of the lock when this process ends, however that is. A file beside the lock says
    who holds it.

    Args:
        place: what is written; the lock, .NAME.lock, lies beside it.

    Raises:
        RecycleError: another process holds it, or nothing can be written there.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(place.with_name(f".{place.name}.lock"), timeout=0, fallback_to_soft=False)
    holder = place.with_name(f".{place.name}.lock.json")
    refuse_overwrite([Path(lock.lock_file)], force=True)  # a link
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
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
        write_json(holder, {"pid": os.getpid(), "command": shlex.join(sys.argv), "began": began})
        yield
    finally:
        for file in (holder, Path(lock.lock_file)):  # while it is locked: who opened it before finds it gone
            with suppress(OSError):
                file.unlink()
        lock.release()


def _in_use(place: Path, holder: Path) -> RecycleError:
    try:
        with open_state(holder, "r") as handle:
            told = json.load(handle)
        number = int(told["pid"])
        who, remedy = f"process {number} since {told['began']}: {told['command']}", f", or end it: kill {number}"
    except (OSError, RecycleError, ValueError, TypeError, KeyError, RecursionError):
        who, remedy = "another process", ""
    return RecycleError(f"{place} is in use by {who}", f"wait for it{remedy}")
