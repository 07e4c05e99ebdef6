"""Names that live in distributions of their own now, and are found in the core for one release more."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

from recyclecli.errors import RecycleError


def moved(old: str, name: str, distribution: str, module: str = "") -> Any:
    """The attribute `name` of a distribution's module, with a DeprecationWarning that says where it is.

    Raises:
        AttributeError: there is no such name.
        RecycleError: the distribution is not installed.
    """
    if name.startswith("__"):
        raise AttributeError(f"module {old!r} has no attribute {name!r}")
    package = distribution.replace("-", "_")
    place = f"{package}.{module}" if module else package
    try:
        found = getattr(import_module(place), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != package:
            raise
        raise RecycleError(
            f"{old}.{name} comes with {distribution}, which is not installed", f"pip install ./plugins/{distribution}"
        ) from error
    warnings.warn(f"{old}.{name} is {place}.{name} now", DeprecationWarning, stacklevel=3)
    return found
