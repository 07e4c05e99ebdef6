"""Functions that live in distributions of their own now, and are found here for one release more."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

from recyclecli.errors import RecycleError


def moved(distribution: str, module: str, name: str) -> Any:
    """The function `name` of a module, with a DeprecationWarning that says where it is.

    Raises:
        RecycleError: the distribution is not installed.
    """
    try:
        found = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != module.partition(".")[0]:
            raise
        raise RecycleError(
            f"{name} comes with {distribution}, which is not installed", f"pip install ./plugins/{distribution}"
        ) from error
    warnings.warn(f"recyclecli.api.{name} is {module}.{name} now", DeprecationWarning, stacklevel=3)
    return found
