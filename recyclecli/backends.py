"""What torch and matplotlib would load by themselves, for devices and for windows."""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from importlib.util import find_spec

ALLOW_LIST = "RECYCLE_PLUGINS"
FIGURES = "MPLBACKEND"  # which matplotlib reads when it is imported, and refuses where it does not know it


def keep_backends_out(environment: MutableMapping[str, str] = os.environ) -> None:
    """Under an allow-list of plugins torch, imported later, imports no package that offers it a device.

    Any installed package may offer one as an entry point of `torch.backends`, and would run in every process.
    """
    if ALLOW_LIST in environment:
        environment["TORCH_DEVICE_BACKEND_AUTOLOAD"] = "0"


def keep_missing_figures_out(environment: MutableMapping[str, str] = os.environ) -> None:
    """Drop a backend for figures that is not installed here: our figures need none, and matplotlib would not load.

    Jupyter names its own to all that is started from a cell, also programs of another environment.
    """
    scheme, _, module = environment.get(FIGURES, "").partition("://")
    if scheme == "module" and "matplotlib" not in sys.modules and find_spec(module.partition(".")[0] or "-") is None:
        del environment[FIGURES]
