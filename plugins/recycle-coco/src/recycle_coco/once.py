"""What a process says once, however often it comes upon it."""

from __future__ import annotations

from functools import cache
from logging import Logger

from recyclecli.printable import shown


def warn_once(log: Logger, *texts: str) -> None:
    """Log each text, but for empty ones and those that this process has logged before."""
    for text in texts:
        _warn(log, text)


@cache
def _warn(log: Logger, text: str) -> None:
    if text:
        log.warning(shown(text))
