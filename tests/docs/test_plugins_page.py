"""The package that docs/plugins.md prints, file by file, is found and keeps the contract of its kind."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from fenced import parts

PAGE = Path(__file__).parents[2] / "docs/plugins.md"


def test_the_package_of_the_page_passes_its_tests(tmp_path):
    typed = []
    for kind, content, title in parts(PAGE):
        if title:
            file = tmp_path / title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        elif kind == "bash":
            typed += content.splitlines()
    install, test = typed
    assert install == "pip install -e acme-losses"
    as_installed(tmp_path / "acme-losses")
    places = [str(tmp_path / "acme-losses/src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    done = subprocess.run(
        [sys.executable, "-m", *test.split()], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def as_installed(package):
    """What an editable install leaves: a name, a version and the entry points, beside the sources."""
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    info = package / "src" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    lines = [f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
             for group, points in project["entry-points"].items()]  # fmt: skip
    (info / "entry_points.txt").write_text("\n".join(lines))
