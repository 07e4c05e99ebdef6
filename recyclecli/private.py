"""What is left out of things that are kept or passed on: passwords in addresses."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_USER_INFO = re.compile(r"""(?<=://)[^\s/?#"'<>]*@""")
_SECRET = re.compile(r"""([?&][\w.-]*(?:token|passw(?:or)?d|secret|key|signature|sig)=)[^\s&#"'<>]+""", re.IGNORECASE)


def without_passwords(text: str) -> str:
    """`text` with the user, the password and the tokens of each URL as `***`."""
    if "://" not in text:
        return text
    return _SECRET.sub(r"\1***", _USER_INFO.sub("***@", text))


def map_texts(value: Any, change: Callable[[str], str]) -> Any:
    """A JSON value with each text in it changed; keys stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: map_texts(one, change) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [map_texts(one, change) for one in value]
    return value
