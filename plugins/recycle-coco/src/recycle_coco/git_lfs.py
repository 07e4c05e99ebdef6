"""Files that Git LFS keeps elsewhere: until they are fetched, a pointer of some lines lies in their place."""

from __future__ import annotations

from pathlib import Path

from recycle_coco.unreadable import LFS_POINTER, LFS_REFUSAL
from recyclecli.errors import RecycleError
from recyclecli.reading import open_regular


def refuse_pointer(file: Path) -> None:
    """Raise RecycleError where a file is a pointer that Git LFS left, or cannot be opened."""
    with open_regular(file) as handle:
        if handle.read(len(LFS_POINTER)) == LFS_POINTER:
            raise RecycleError(f"{file} {LFS_REFUSAL[0]}", LFS_REFUSAL[1])
