"""What test runs that were killed left in the temporary folder is removed; pytest alone waits three days for it.

A pytest plugin.
"""

import getpass
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Look for them before the workers start."""
    if not hasattr(config, "workerinput"):
        remove_dead(Path(tempfile.gettempdir()) / f"pytest-of-{getpass.getuser()}")


def remove_dead(root: Path) -> None:
    """Remove each folder of a run whose process, which its lock names, is gone."""
    for lock in root.glob("pytest-*/.lock"):
        try:
            os.kill(int(lock.read_text()), 0)
        except ProcessLookupError:
            _unmount(lock.parent)
            shutil.rmtree(lock.parent, ignore_errors=True)
        except (OSError, ValueError, OverflowError):
            continue  # somebody else's, or no lock of pytest's


def _unmount(folder: Path) -> None:
    """Let go of the small file systems that tests put there."""
    mounts = Path("/proc/mounts")
    for line in mounts.read_text().splitlines() if mounts.exists() else []:
        place = line.split()[1].encode().decode("unicode_escape")
        if Path(place).is_relative_to(folder):
            subprocess.run(["umount", place], check=False)
