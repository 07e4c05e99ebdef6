"""Installs the gathered wheels into a folder, and makes the checkout's distributions look installed there.

    python -m gpu.install

Nothing of the machine's own environment is changed. The code of this repository runs from the checkout.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from gpu.projects import projects
from gpu.settings import ROOT, settings


def write_metadata(project: dict[str, Any], site: Path) -> None:
    """Write what `importlib.metadata` reads of a distribution: name, version, requirements and entry points."""
    folder = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["Metadata-Version: 2.1", f"Name: {project['name']}", f"Version: {project['version']}"]
    lines += [f"Requires-Dist: {requirement}" for requirement in project.get("dependencies", [])]
    (folder / "METADATA").write_text("\n".join(lines) + "\n")
    groups = {**project.get("entry-points", {}), "console_scripts": project.get("scripts", {})}
    sections = (f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in one.items()) for group, one in groups.items())
    (folder / "entry_points.txt").write_text("\n".join(sections))


def import_paths(root: Path, site: Path) -> list[Path]:
    """The folders that $PYTHONPATH holds once all is installed; none before."""
    if not site.is_dir():
        return []
    return [site, *(file.parent / "src" if (file.parent / "src").is_dir() else file.parent for file in projects(root))]


def main() -> None:
    """Install the wheels and write the metadata."""
    site, wheels = settings().site, sorted((ROOT / ".whl").glob("*.whl"))
    site.mkdir(parents=True, exist_ok=True)
    if wheels:
        quiet = ["--quiet", "--disable-pip-version-check", "--root-user-action=ignore"]
        command = [sys.executable, "-m", "pip", "install", *quiet, "--no-index", "--no-deps", "--no-compile"]
        subprocess.run([*command, "--upgrade", "--target", site, *wheels], check=True)
    for file in projects(ROOT):
        write_metadata(tomllib.loads(file.read_text())["project"], site)
    print(f"{len(wheels)} wheels installed into {site}")


if __name__ == "__main__":
    main()
