"""Arrays of our own records, read as a stranger's: no objects, and no more than the file is worth."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recyclecli.errors import RecycleError
from recyclecli.reading import read_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_ARRAY_BYTES = 2**32  # bytes of a record
ALWAYS, MAX_UNPACKED_RATIO = 2**28, 16  # bytes that any record may unpack to, or so many times its own
ARRAY_ERRORS = (
    *(OSError, ValueError, LookupError, EOFError, MemoryError, RuntimeError, OverflowError),
    *(struct.error, zipfile.BadZipFile, zlib.error),
)


def read_arrays(file: Path, names: tuple[str, ...], remedy: str) -> list[NDArray[Any]]:
    """The arrays of these names of a .npz file.

    Raises:
        MissingFile: there is no such file.
        RecycleError: it is damaged, lacks one, or unpacks to far more than its size.
    """
    import numpy as np

    data = read_bytes(file, MAX_ARRAY_BYTES)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            size = sum(entry.file_size for entry in packed.infolist())
        if size > max(ALWAYS, MAX_UNPACKED_RATIO * len(data)):
            raise ValueError(f"its {len(data)} bytes would become {size}")
        with np.load(io.BytesIO(data), allow_pickle=False) as kept:
            return [kept[name] for name in names]
    except ARRAY_ERRORS as error:
        raise RecycleError(f"{file} cannot be read: {error}", remedy) from error
