"""Names in the XML of labelling tools."""

from __future__ import annotations

import re

from recyclecli.errors import RecycleError

ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def legal(name: str) -> str:
    """A name that XML can hold.

    Raises:
        RecycleError: it has characters that XML cannot hold, not even escaped.
    """
    if ILLEGAL.search(name):
        raise RecycleError(f"{name!r} has a control character, which XML cannot hold", "rename it")
    return name
