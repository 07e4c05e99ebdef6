"""Errors that end a command with one clear message instead of a traceback."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from recyclecli.printable import one_line, shown


class RecycleError(Exception):
    """Wrong use or bad input: the message names the cause and the file, `remedy` what to do.

    The command line prints both, without a traceback, and exits with `exit_code`.
    """

    exit_code = 2

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy

    def __str__(self) -> str:
        message = str(self.args[0])
        return shown(f"{message}\n  remedy: {self.remedy}" if self.remedy else message)


class LabelFaults(RecycleError):
    """Labels that cannot be used.

    Attributes:
        faults: all of them, each as where (the file and its line) and what.
    """

    def __init__(self, faults: Sequence[tuple[str, str]], remedy: str) -> None:
        shown = [f"{where}: {what}" for where, what in faults[:10]]
        if len(faults) > 10:
            shown.append(f"and {len(faults) - 10} more: `recycle data check --all` of this data lists them")
        head = [f"{len(faults)} labels cannot be used:"] if len(faults) > 1 else []
        super().__init__("\n  ".join([*head, *shown]), remedy)
        self.faults = tuple(faults)


class ChecksFailed(RecycleError):
    """A check ran to its end and found faults."""

    exit_code = 1


class RunFailed(RecycleError):
    """The work began and could not be finished: out of memory, NaN, disk full."""

    exit_code = 3


def suggest(word: str, valid: Iterable[str]) -> str:
    """Advice on a mistyped `word`: `nearest: focal`, or all of `valid` when none is close."""
    names = sorted(valid)
    if close := get_close_matches(word, names, n=1, cutoff=0.6):
        return f"nearest: {close[0]}"
    return f"valid: {', '.join(names)}" if names else "none is installed"


def counted(count: int, noun: str) -> str:
    """`1 photo`, `2,500 photos`, `3 classes`."""
    ending = "es" if noun.endswith(("s", "x", "ch", "sh")) and not noun.endswith("epoch") else "s"
    return f"{count:,} {noun}{'' if count == 1 else ending}"


def join_limited(items: Iterable[object], limit: int = 5) -> str:
    """`a, b, c and 7 more`: names for a message, however many there are."""
    texts = [*items]
    more = len(texts) - limit
    return ", ".join(one_line(str(text)) for text in texts[:limit]) + (f" and {more} more" if more > 0 else "")
