"""What the distributions of this repository bring, as far as the core must know it where they are not installed."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

BUNDLED_FILE = Path(__file__).with_suffix(".json")  # made from the manifests by `make reference`


@cache
def commands() -> dict[str, str]:
    """Which distribution brings each command, in the order of the help."""
    return _table("commands")


@cache
def observers() -> dict[str, str]:
    """Which distribution brings each callback that observes, and may therefore be missing."""
    return _table("observers")


def ours() -> frozenset[str]:
    """The distributions that bring them."""
    return frozenset(commands().values())


def _table(key: str) -> dict[str, str]:
    table: dict[str, str] = json.loads(BUNDLED_FILE.read_text(encoding="utf-8"))[key]
    return table
