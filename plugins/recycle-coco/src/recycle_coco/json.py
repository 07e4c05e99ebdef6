"""JSON of bounded size and depth."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

from recyclecli.errors import RecycleError
from recyclecli.reading import SMALL, read_bytes

MAX_JSON_DEPTH = 64  # lists and objects inside each other
MAX_KEYS_SEARCHED = 20  # keys that are each looked for in the text


def tree_fault(value: Any) -> str | None:
    """Why a value from JSON cannot be written as JSON, or handled without deep recursion; None where it can."""
    waiting = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if isinstance(one, float) and not math.isfinite(one):
            return f"it holds {one}, which JSON does not have"
        if isinstance(one, str) and not one.isascii() and any("\ud800" <= letter <= "\udfff" for letter in one):
            return f"it holds half a character (a lone surrogate): {one[:20]!a}"
        if isinstance(one, (dict, list)):
            if depth == MAX_JSON_DEPTH:
                return f"it holds lists or objects nested more than {MAX_JSON_DEPTH} deep"
            inner = [*one, *one.values()] if isinstance(one, dict) else one
            waiting += [(part, depth + 1) for part in inner if not isinstance(part, (int, type(None)))]
    return None


def parse_json(data: bytes | str) -> Any:
    """The value of a JSON text; NaN and infinity are taken, as Python writes them.

    Raises:
        ValueError: no JSON, no text, a number of more digits than Python reads, nested too deeply, or an object whose
            key occurs twice, of which Python would keep the last.
    """
    try:
        text = data.decode(json.detect_encoding(data)) if isinstance(data, bytes) else data
        del data  # it is as large as the text
        value = json.loads(text)
        if isinstance(value, dict) and (
            len(value) > MAX_KEYS_SEARCHED or any(text.count(json.dumps(key, ensure_ascii=False)) > 1 for key in value)
        ):
            del value  # before the text is read once more
            value = _parse_once(text)
    except RecursionError as error:
        raise ValueError("lists or objects are nested too deeply") from error
    return value


def _parse_once(text: str) -> Any:
    """The value of a text that holds an object; ValueError where a key of the outermost one occurs twice in it."""
    last: list[str] = []

    def kept(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        last[:] = [key for key, _ in pairs]
        return dict(pairs)

    value = json.loads(text, object_pairs_hook=kept)
    if len(last) > len(value):
        twice = next(key for key, count in Counter(last).items() if count > 1)
        raise ValueError(f"its key {twice!r} occurs twice, and only one can count")
    return value


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
