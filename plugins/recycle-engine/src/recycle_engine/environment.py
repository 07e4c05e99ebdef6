"""What a run was made with: versions, machine, plugins, and callbacks that others would add."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import entry_points, version
from importlib.util import find_spec
from typing import Any

import torch

from recyclecli import __version__
from recyclecli.backends import ALLOW_LIST
from recyclecli.errors import RecycleError, join_limited
from recyclecli.plugins import Registry, allow_list
from recyclecli.private import without_passwords

CALLBACK_GROUP = "lightning.pytorch.callbacks_factory"  # any installed package may add callbacks through it
BACKEND_GROUP = "torch.backends"  # which torch imports when it is imported, unless RECYCLE_PLUGINS is set


def environment(registry: Registry) -> dict[str, object]:
    """Versions, machine and plugins, for env.json."""
    installed = entry_points()  # read once: it asks each installed package
    packages = ("torch", "torchvision", "lightning", "segmentation-models-pytorch", "timm", "kornia", "numpy")
    return {
        "started": datetime.now(UTC).isoformat(),
        "recyclecli": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version(name) for name in packages if find_spec(name.replace("-", "_"))},
        "devices": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())] or ["cpu"],
        "threads": torch.get_num_threads(),
        "plugins": {plugin.distribution: f"{plugin.version} {plugin.state}" for plugin in registry.plugins},
        "lightning_callback_factories": _offered(installed, CALLBACK_GROUP),
        "torch_backends": _offered(installed, BACKEND_GROUP),
        "command": [without_passwords(argument) for argument in sys.argv],
    }


def refuse_foreign_callbacks() -> None:
    """Under an allow-list of plugins nothing else may join the training either."""
    foreign = _offered(entry_points(), CALLBACK_GROUP) if allow_list() is not None else []
    if foreign:
        raise RecycleError(
            f"${ALLOW_LIST} is set, but Lightning would load callbacks of {join_limited(foreign)}",
            f"uninstall what brings them, or unset ${ALLOW_LIST}",
        )


def _offered(installed: Any, group: str) -> list[str]:
    return sorted(f"{point.name} ({point.value})" for point in installed.select(group=group))
