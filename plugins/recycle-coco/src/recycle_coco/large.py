"""Annotation files, whose values may take many times the memory of their text."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from recycle_coco.variables import MAX_JSON, say_unknown_variables
from recyclecli.errors import RecycleError
from recyclecli.reading import MIB, open_regular, read_bytes

MAX_VALUES_BYTES = 3 * 2**29  # bytes of memory that the values of any file may take
VALUES_PER_FILE = 12  # or so many times the size of a larger one, as outlines do: no file that only claims to be one
DECODED_PER_FILE = 2  # bytes of memory for each of the file's, which is decoded
WORTH = {b",": 32, b"[": 64, b"{": 72}  # bytes of memory for each of these: a number, a list, an object
WORTH_OF_XML = {b"<": 48, b"=": 200, b",": 48, b";": 48}  # an element, an attribute, a number of a list
WORTH_OF_TABLE = {b"\n": 1600, b"\r": 1600, b",": 48}  # an object in each row, and a number or a cell
LIMIT = Path("/sys/fs/cgroup/memory.max")


def read_large(file: Path, worth: Mapping[bytes, int] = WORTH) -> bytes:
    """The bytes of a file of JSON, lines of it or XML, whose values take at most RECYCLE_MAX_JSON bytes.

    Where that is not set, they may take `MAX_VALUES_BYTES`, or `VALUES_PER_FILE` times the size of the file and half
    of this machine's memory, whichever is less: COCO's instances_train2017.json, 448 MB, takes about 2.6 GiB.

    Args:
        file: where it is.
        worth: bytes of memory for each of these in it.

    Raises:
        MissingFile: there is no such file.
        RecycleError: see `read_bytes`; or its values would take more, or RECYCLE_MAX_JSON is no number.
    """
    say_unknown_variables()
    stated = os.environ.get(MAX_JSON, "").strip() or "0"
    if not stated.isdecimal() or len(stated) >= 20:
        raise RecycleError(f"{MAX_JSON} is {stated[:40]!r}, and no number of bytes", f"unset {MAX_JSON}")
    own = int(stated)
    with open_regular(file) as handle:
        size = os.fstat(handle.fileno()).st_size
    most = own or max(MAX_VALUES_BYTES, min(VALUES_PER_FILE * size, _half_of_memory()))
    need = DECODED_PER_FILE * size
    if need <= most:
        data = read_bytes(file, most // DECODED_PER_FILE)
        need = DECODED_PER_FILE * len(data) + sum(data.count(sign) * each for sign, each in worth.items())
    if need > most:
        raise RecycleError(
            f"{file} takes about {need // MIB} MiB of memory to be read, and at most {most // MIB} are given to a file",
            f"split it, or, if you trust it and have the memory: export {MAX_JSON}={need}",
        )
    return data


def _half_of_memory() -> int:
    """Bytes: half of what this machine, or the container that it is, has; 0 where that is not known."""
    try:
        found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
        with suppress(OSError, ValueError):  # none, or "max"
            found.append(int(LIMIT.read_text()))
    except (AttributeError, OSError, ValueError):  # as on Windows
        return 0
    return min(found) // 2
