"""JSON of bounded size and depth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from recyclecli.errors import RecycleError
from recyclecli.reading.regular import SMALL, read_bytes
from recyclecli.reading.tree import tree_fault


def parse_json(data: bytes | str) -> Any:
    """The value of a JSON text; NaN and infinity are taken, as Python writes them.

    Raises:
        ValueError: no JSON, no text, a number of more digits than Python reads, or nested too deeply.
    """
    try:
        return json.loads(data.decode(json.detect_encoding(data)) if isinstance(data, bytes) else data)
    except RecursionError as error:
        raise ValueError("lists or objects are nested too deeply") from error


def read_json(file: Path, remedy: str, most: int = SMALL) -> Any:
    """The value of a JSON file that one of our commands wrote: what it holds can be written again.

    Args:
        file: where it is.
        remedy: what to do where it is damaged.
        most: bytes.

    Raises:
        MissingFile: there is no such file.
        RecycleError: see `read_bytes`; or it is no JSON, holds NaN or half a character, or is nested too deeply.
    """
    data = read_bytes(file, most)
    try:
        value = parse_json(data)
        fault = tree_fault(value)
    except ValueError as error:
        fault = str(error)
    if fault:
        raise RecycleError(f"{file} is not valid JSON: {fault}", remedy)
    return value
