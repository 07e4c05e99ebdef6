"""What was computed of files, kept in the user's cache folder while path, size and modification time are unchanged."""

from __future__ import annotations

import hashlib
import io
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recyclecli.errors import RecycleError
from recyclecli.files import write_bytes
from recyclecli.manifest import cache_folder
from recyclecli.reading import read_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

IDENTITY_VERSION = 1  # of how an identity is computed: another one is another file
UNUSED_SECONDS = 90 * 86400  # seconds after which what nobody asked for is removed
MAX_CACHE_BYTES = 2**31  # bytes of what is kept of a folder


class Known:
    """Values of one dtype by file: one array in the cache for each folder of files.

    Each array is written whole and merged with what other processes wrote meanwhile; where two write at the same
    moment, one's values are computed again another time. Without a cache folder nothing is kept.

    Args:
        dtype: of a value.
    """

    def __init__(self, dtype: np.dtype[np.void]) -> None:
        self._kept = np.dtype([("name", "S32"), ("size", "<i8"), ("changed", "<i8"), ("value", dtype)])
        self._folders: dict[str, dict[bytes, NDArray[np.void]]] = {}
        self._new: dict[str, dict[bytes, NDArray[np.void]]] = {}
        self._states: dict[Path, tuple[int, int]] = {}

    def find(self, file: Path) -> NDArray[np.void] | None:
        """The value of a file that is as it was; None where there is none."""
        folder, name = _place(file)
        if folder not in self._folders:
            self._folders[folder] = self._read(folder)
        entry = self._folders[folder].get(name)
        with suppress(OSError, ValueError):
            self._states[file] = _state(file)
            if entry is not None and (int(entry["size"]), int(entry["changed"])) == self._states[file]:
                value: NDArray[np.void] = entry["value"]
                return value
        return None

    def add(self, file: Path, value: NDArray[np.void]) -> None:
        """Keep a value of a file as it was when `find` found none, from `save` on."""
        folder, name = _place(file)
        entry = np.zeros((), self._kept)
        entry["name"], entry["value"] = name, value
        entry["size"], entry["changed"] = self._states[file]
        self._new.setdefault(folder, {})[name] = entry

    def save(self) -> None:
        """Write what was added, where that can be done: nothing about a cache fails a command."""
        with suppress(RecycleError, OSError, RuntimeError):
            for folder, new in self._new.items():
                entries = self._read(folder) | new
                stream = io.BytesIO()
                np.save(stream, np.stack(list(entries.values())), allow_pickle=False)
                write_bytes(_file(folder), stream.getvalue())
            if self._new:
                _remove_unused()
        self._new.clear()

    def _read(self, folder: str) -> dict[bytes, NDArray[np.void]]:
        try:
            file = _file(folder)
            kept = np.load(io.BytesIO(read_bytes(file, MAX_CACHE_BYTES)), allow_pickle=False)
        except (RecycleError, OSError, ValueError, EOFError, RuntimeError):  # none yet, or a damaged one
            return {}
        if kept.dtype != self._kept or kept.ndim != 1:
            return {}
        with suppress(OSError):
            os.utime(file)
        return {entry["name"].item(): entry for entry in kept}


def _place(file: Path) -> tuple[str, bytes]:
    """The folder of a file, and a digest of its name: names have any length."""
    whole = Path(os.path.normpath(file.absolute()))
    return str(whole.parent), hashlib.sha256(os.fsencode(whole.name)).hexdigest()[:32].encode()


def _state(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_size, found.st_mtime_ns


def _file(folder: str) -> Path:
    mark = hashlib.sha256(os.fsencode(folder)).hexdigest()[:32]
    return cache_folder() / "photos" / f"{mark}-{IDENTITY_VERSION}.npy"


def _remove_unused() -> None:
    for file in (cache_folder() / "photos").glob("*.npy"):
        with suppress(OSError):
            if file.stat().st_mtime < time.time() - UNUSED_SECONDS:
                file.unlink()
