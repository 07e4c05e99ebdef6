"""Packages that torch would import by itself."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

ALLOW_LIST = "RECYCLE_PLUGINS"


def keep_backends_out(environment: MutableMapping[str, str] = os.environ) -> None:
    """Under an allow-list of plugins torch, imported later, imports no package that offers it a device.

    Any installed package may offer one as an entry point of `torch.backends`, and would run in every process.
    """
    if ALLOW_LIST in environment:
        environment["TORCH_DEVICE_BACKEND_AUTOLOAD"] = "0"
