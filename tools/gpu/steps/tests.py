"""The tests that are marked `gpu`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from gpu.figures import note
from gpu.settings import ROOT, settings


def marked(root: Path) -> list[str]:
    """The files that hold such tests; others may import what the machine lacks."""
    files = (file for place in ("tests", "plugins") for file in sorted((root / place).rglob("test_*.py")))
    return [str(file.relative_to(root)) for file in files if "@pytest.mark.gpu" in file.read_text()]


def main() -> None:
    """Run them; the exit code is pytest's."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    base = settings().work / "tests"
    options = ["-m", "gpu", "-rs", "-p", "no:durations", "--basetemp", str(base)]
    command = [sys.executable, "-m", "pytest", *options, *marked(ROOT)]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="")
    note("tests marked `gpu`", done.stdout.strip().splitlines()[-1].strip("= "))
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
