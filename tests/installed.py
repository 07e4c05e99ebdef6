"""What pip has installed in this environment is read once a process: no test changes it, and each command asks for it.

Packages of any other folder on the path are read each time, as always.
"""

import sysconfig
from collections.abc import Callable
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import Any

SITE = Path(sysconfig.get_path("purelib"))


def read_once() -> None:
    """From now on; the texts of a distribution are what its metadata and its entry points are made from."""
    for name in ("entry_points", "metadata"):
        setattr(PathDistribution, name, _once(getattr(PathDistribution, name).fget))


def _once(read: Callable[[PathDistribution], Any]) -> property:
    known: dict[Path, Any] = {}

    def get(distribution: PathDistribution) -> Any:
        folder = distribution._path
        if folder.parent != SITE:
            return read(distribution)
        if folder not in known:
            known[folder] = read(distribution)
        return known[folder]

    return property(get)
