"""Which process works on a run."""

from __future__ import annotations

import os
from pathlib import Path

from recyclecli.files import NOFOLLOW, lock
from recyclecli.locks import lock_of, note_of, told


def holder(place: Path) -> dict[str, str | int] | None:
    """Who holds a place, see `recyclecli.locks.held`; None for nobody.

    Returns:
        pid, command and began; none of them where they are not known.
    """
    file = lock_of(place)
    try:
        handle = os.open(file, os.O_RDONLY | NOFOLLOW)
    except OSError:
        return None
    try:
        return told(note_of(file)) if lock(handle, wait=False) is False else None
    finally:
        os.close(handle)
