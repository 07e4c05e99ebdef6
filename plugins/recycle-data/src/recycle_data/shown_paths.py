"""Paths in what is passed on, a report or the card of an export: without the name of a user."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_HOMES = re.compile(r"""(?<![\w.~-])(?:/(?:export/)?home|/Users|[A-Za-z]:[\\/]Users)[\\/][^\\/\s"'<>:,;]+""")


def absolute_paths(value: Any) -> set[str]:
    """The absolute paths among the texts of a JSON value."""
    if isinstance(value, str):
        return {value} if Path(value).is_absolute() else set()
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return {path for part in parts for path in absolute_paths(part)}


def _home() -> Path:
    """The home folder; `~` for a user who has none, as containers with a number for a user have."""
    return Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises where there is none


def shown_path(path: str | Path, base: Path) -> str:
    """A path without the name of a user: with `~` for the home folder, else relative to `base`.

    Of an absolute path beside neither `base` nor the folder above it, the last part alone is left, after `.../`.
    """
    path, start = Path(path), base.absolute()
    if not path.is_absolute():
        return str(path)
    for home in (_home(), _home().resolve()):
        if _home().is_absolute() and path.is_relative_to(home) and home != home.parent:
            return str("~" / path.relative_to(home))
    if path.is_relative_to(start.parent.parent):
        return _HOMES.sub("~", os.path.relpath(path, start))
    return f".../{path.name}"


def shown_text(text: str, base: Path, places: Iterable[str] = ()) -> str:
    """A text in which the absolute `places`, `base` and home folders are as `shown_path` gives them."""
    known = {place for place in (*places, str(base.absolute()), str(_home())) if place.strip("/~")}
    for place in sorted(known, key=len, reverse=True):
        shown = shown_path(place, base).replace("\\", r"\\")
        text = re.sub(rf"(?<![\w.~/-]){re.escape(place)}(?![\w-])", shown, text)
    return _HOMES.sub("~", text)
