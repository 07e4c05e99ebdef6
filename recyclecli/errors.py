"""Errors that end a command with one clear message instead of a traceback."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from reprlib import Repr

from recyclecli.printable import one_line, shown


class RecycleError(Exception):
    """Wrong use or bad input: the message names the cause and the file, `remedy` what to do.

    The command line prints both, without a traceback, and leaves with `exit_code`.
    """

    exit_code = 2

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy

    def __str__(self) -> str:
        message = str(self.args[0])
        return shown(f"{message}\n  remedy: {self.remedy}" if self.remedy else message)


class FaultsFound(RecycleError):
    """A check ran to its end and found faults."""

    exit_code = 1


class RunFailed(RecycleError):
    """The work began and could not be finished: out of memory, NaN, disk full."""

    exit_code = 3


def nearest(word: str, valid: Iterable[str]) -> str:
    """Advice on a mistyped `word`: `nearest: focal`, or all of `valid` when none is close."""
    names = sorted(valid)
    close = get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f"nearest: {close[0]}"
    return f"valid: {', '.join(names)}" if names else "none is installed"


def short_repr(value: object) -> str:
    """A value as Python writes it, in at most some 200 characters however large it is, for a message."""
    return _SHORT.repr(value)


class _Short(Repr):
    """reprlib's, which fails for whole numbers of more digits than Python prints."""

    def repr_int(self, value: int, level: int) -> str:
        """The number, or how many bits it has."""
        return super().repr_int(value, level) if value.bit_length() < 1024 else f"a number of {value.bit_length()} bits"


_SHORT = _Short()
_SHORT.maxlevel = 2
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 120


def listed(items: Iterable[object], limit: int = 5) -> str:
    """`a, b, c and 7 more`: names for a message, however many there are."""
    texts = [one_line(str(item)) for item in items]
    more = len(texts) - limit
    return ", ".join(texts[:limit]) + (f" and {more} more" if more > 0 else "")
