"""Forwards to `recycle_kit.testing` for this release."""

from typing import Any

from recyclecli.moved import moved


def __getattr__(name: str) -> Any:
    return moved(__name__, name, "recycle-kit", "testing")
