"""The distributions of this repository, from their pyproject files."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path


def projects(root: Path) -> list[Path]:
    """The pyproject files, the core's first."""
    return [root / "pyproject.toml", *sorted(root.glob("plugins/*/pyproject.toml"))]


def names(root: Path) -> set[str]:
    """The names of the distributions."""
    return {tomllib.loads(file.read_text())["project"]["name"] for file in projects(root)}


def requirements(root: Path) -> Iterator[str]:
    """What the distributions require at run time, those of this repository among it; the check exports nothing."""
    for file in projects(root):
        if file.parent.name != "recycle-export":
            yield from tomllib.loads(file.read_text())["project"].get("dependencies", [])


def test_requirements(root: Path) -> list[str]:
    """The core's dependency group `test`."""
    group: list[str] = tomllib.loads((root / "pyproject.toml").read_text())["dependency-groups"]["test"]
    return group
