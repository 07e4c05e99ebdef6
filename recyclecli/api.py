"""Forwards to `recycle_engine.api` and its neighbours for this release."""

from typing import Any

from recyclecli.moved import moved

DISTRIBUTIONS = {"export": "recycle-export", "report": "recycle-report", "serve": "recycle-serve"}


def __getattr__(name: str) -> Any:
    return moved(__name__, name, DISTRIBUTIONS.get(name, "recycle-engine"), "api")
