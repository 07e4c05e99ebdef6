"""What the check runs on, and whether all that is needed is there."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import torch
from packaging.requirements import Requirement

from gpu import projects
from gpu.settings import ROOT, settings


def unmet(requirements: Iterator[str]) -> list[str]:
    """The requirements that are not met here, each with what is here instead."""
    found = []
    for text in sorted(set(requirements)):
        requirement = Requirement(text)
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            found.append(f"{text}: not installed")
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            found.append(f"{text}: {installed} is installed")
    return found


def commit() -> str:
    """The commit of the checkout, or the one that it was copied from; nothing where neither is known."""
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    copied = ROOT / ".gpu/commit"
    known = done.stdout or (copied.read_text() if copied.is_file() else "")
    return known and f", commit {known.strip()}"


def described() -> str:
    """The card, the processor's cores, the versions, the commit and the day, in one line."""
    cuda = settings().cuda
    card = torch.cuda.get_device_name() if cuda else f"No GPU: {platform.machine()}"
    memory = f" ({torch.cuda.get_device_properties(0).total_memory / 2**30:.0f} GiB)" if cuda else ""
    versions = f"Python {platform.python_version()}, torch {torch.__version__}"
    rehearsal = " A rehearsal with tiny models and photos: its figures mean nothing." if settings().small else ""
    cores = len(os.sched_getaffinity(0))
    return f"{card}{memory}, {cores} cores, {versions}, {datetime.date.today()}{commit()}.{rehearsal}"


def main() -> None:
    """Describe the machine; end with what is missing."""
    if settings().cuda and not torch.cuda.is_available():
        sys.exit("error: torch finds no CUDA device; to rehearse without one: DEVICE=cpu SMALL=1")
    (settings().out / "machine.txt").write_text(described() + "\n")
    print(described())
    if missing := unmet(projects.requirements(ROOT)):
        print("not met:", *missing, sep="\n  ")
    sys.exit(subprocess.run([sys.executable, "-m", "recyclecli", "doctor"]).returncode or bool(missing))


if __name__ == "__main__":
    main()
