"""Annotation files, whose values may take many times the memory of their text."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from recyclecli.errors import RecycleError
from recyclecli.reading.regular import read_bytes

MAX_JSON = "RECYCLE_MAX_JSON"
MOST = 3 * 2**29  # bytes of memory that the values of a file may take
TEXT = 2  # bytes of memory for each of the file's, which is decoded
WORTH = {b",": 32, b"[": 64, b"{": 72}  # bytes of memory for each of these: a number, a list, an object
WORTH_OF_XML = {b"<": 48, b"=": 200, b",": 48, b";": 48}  # an element, an attribute, a number of a list
MIB = 2**20


def read_large(file: Path, worth: Mapping[bytes, int] = WORTH) -> bytes:
    """The bytes of a file of JSON, lines of it or XML, whose values take at most `MOST` bytes or RECYCLE_MAX_JSON.

    Args:
        file: where it is.
        worth: bytes of memory for each of these in it.

    Raises:
        MissingFile: there is no such file.
        RecycleError: see `read_bytes`; or its values would take more.
    """
    stated = os.environ.get(MAX_JSON, "").strip()
    most = int(stated) if stated.isdecimal() and int(stated) else MOST
    data = read_bytes(file, most // TEXT)
    need = TEXT * len(data) + sum(data.count(sign) * each for sign, each in worth.items())
    if need > most:
        raise RecycleError(
            f"{file} takes about {need // MIB} MiB of memory to be read, and at most {most // MIB} are given to a file",
            f"split it, or, if you trust it and have the memory: export {MAX_JSON}={need}",
        )
    return data
