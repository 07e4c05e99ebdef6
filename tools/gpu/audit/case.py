"""One case of the audit."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gpu.audit.watch import Watch

Call = Callable[[Watch], None]  # what it does before it has the watch forget is no part


class Case(NamedTuple):
    """What is audited.

    Attributes:
        title: says it.
        make: makes the parts and returns the call.
        needed: how often it cannot but wait, and why.
    """

    title: str
    make: Callable[[], Call]
    needed: tuple[int, str] = (0, "")
