"""What a process says once, however often it comes upon it."""

from __future__ import annotations

import sys
from functools import cache

from recyclecli.printable import shown


def say_once(*texts: str) -> None:
    """Say each text on stderr, but for empty ones and those that this process has said before."""
    for text in texts:
        _say(text)


@cache
def _say(text: str) -> None:
    if text:
        print(shown(text), file=sys.stderr)
