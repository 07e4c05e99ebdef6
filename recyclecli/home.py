"""`~` in paths: the home folder, wherever no shell has put it in."""

from __future__ import annotations

import os
import re
from pathlib import Path


def expanded(text: str) -> str:
    """A path that begins with `~/` or `~USER/` as one in that home folder; any other text as it is."""
    if not re.match(r"~[\w.-]*/", text):
        return text
    return os.path.expanduser(text)  # noqa: PTH111 - Path's fails for an unknown user


def named_data() -> str | None:
    """The folder that RECYCLE_DATA names."""
    return os.path.expanduser(os.environ.get("RECYCLE_DATA") or "") or None  # noqa: PTH111 - see `expanded`


def data_folder() -> Path:
    """The root of the data where none is named otherwise: what RECYCLE_DATA names, else `data`."""
    return Path(named_data() or "data")
