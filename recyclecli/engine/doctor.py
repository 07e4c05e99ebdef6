"""What this machine has for training, and what must be mended."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Literal

from recyclecli import __version__
from recyclecli.home import named_data
from recyclecli.plugins import Registry

COMPROMISED = ("2.6.2", "2.6.3")  # releases of lightning that carried foreign code
SPACE = 2e9  # bytes that a run with its checkpoints may want


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: `ok`, `note` (it works, but know this) or `fix`, with what to do."""

    state: Literal["ok", "note", "fix"]
    what: str
    remedy: str = ""


def examine(registry: Registry, folder: Path) -> Iterator[Finding]:
    """Look at versions, torch and its GPU, plugins, disk and settings.

    Args:
        registry: the installed components.
        folder: where runs would be written.
    """
    yield Finding("ok", f"recyclecli {__version__}, Python {platform.python_version()}, {platform.platform()}")
    yield from _torch()
    yield from _lightning()
    yield from _plugins(registry)
    yield from _place(folder)


def has_gpu() -> bool:
    """Whether torch finds a GPU."""
    import torch

    return bool(torch.cuda.is_available())


def _torch() -> Iterator[Finding]:
    try:
        import torch
    except Exception as error:  # a broken build raises all kinds
        yield Finding("fix", f"torch does not import: {error}", "pip install torch")
        return
    try:
        import torchvision
    except Exception as error:
        remedy = "install the torchvision that was built for this torch (2.14.1 goes with 0.29.1)"
        yield Finding("fix", f"torch {torch.__version__} imports, torchvision does not: {error}", remedy)
        return
    yield Finding("ok", f"torch {torch.__version__} with torchvision {torchvision.__version__}")
    if not torch.cuda.is_available():
        yield Finding("note", f"no GPU: training runs on {torch.get_num_threads()} CPU threads", "keep data.size small")
    for index in range(torch.cuda.device_count()):
        memory = torch.cuda.get_device_properties(index).total_memory / 1e9
        yield Finding("ok", f"GPU {index}: {torch.cuda.get_device_name(index)}, {memory:.0f} GB")


def _lightning() -> Iterator[Finding]:
    try:
        installed = version("lightning")
    except PackageNotFoundError:
        yield Finding("fix", "lightning is not installed", "pip install 'lightning>=2.6.6'")
        return
    if installed in COMPROMISED:
        yield Finding("fix", f"lightning {installed} is a compromised release", "pip install 'lightning>=2.6.6'")
    else:
        yield Finding("ok", f"lightning {installed}")
    foreign = sorted(point.value for point in entry_points(group="lightning.pytorch.callbacks_factory"))
    if foreign:
        yield Finding("note", f"lightning will load callbacks of {', '.join(foreign)}", "RECYCLE_PLUGINS refuses them")


def _plugins(registry: Registry) -> Iterator[Finding]:
    working = [plugin for plugin in registry.plugins if plugin.state == "ok"]
    if not working:
        yield Finding("fix", "no plugin is loaded", "pip install recycle-datasets recycle-smp recycle-losses")
    else:
        yield Finding("ok", f"{len(working)} plugins with {len(registry.offers())} components")
    for plugin in registry.plugins:
        if plugin.state == "failed":
            remedy = f"update or uninstall {plugin.distribution}"
            yield Finding("fix", f"plugin {plugin.distribution} {plugin.version}: {plugin.cause}", remedy)
        elif plugin.state == "blocked":
            yield Finding("note", f"plugin {plugin.distribution}: {plugin.cause}")
    for offer in registry.offers():
        if offer.missing():
            yield Finding("note", f"{offer.qualified} cannot be used yet", f"pip install {shlex.join(offer.missing())}")


def _place(folder: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(folder).free
    state: Literal["ok", "fix"] = "ok" if free > SPACE else "fix"
    yield Finding(state, f"{free / 1e9:.1f} GB free in {folder.absolute()}", "" if state == "ok" else "free some space")
    if not os.access(folder, os.W_OK):
        yield Finding("fix", f"{folder.absolute()} cannot be written", "run recycle in a folder of yours")
    named = named_data()
    if named and not Path(named).is_dir():
        yield Finding("fix", f"$RECYCLE_DATA names {named}, which is no folder", "correct or unset it")
    if sys.flags.optimize:
        yield Finding("note", "Python runs with -O", "run it without")
