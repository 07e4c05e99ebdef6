"""Values of a JSON file that could be read but not written again."""

from __future__ import annotations

import math
from typing import Any

DEEPEST = 64  # lists and objects inside each other


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
            if depth == DEEPEST:
                return f"it holds lists or objects nested more than {DEEPEST} deep"
            inner = [*one, *one.values()] if isinstance(one, dict) else one
            waiting += [(part, depth + 1) for part in inner if not isinstance(part, (int, type(None)))]
    return None
