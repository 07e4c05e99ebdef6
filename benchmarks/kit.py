"""From `recycle plugins new` to passing tests: how long the machine takes, for each kind.

    python benchmarks/kit.py

The lines are those of docs/tutorials/first-plugin.md, typed into a fresh environment that sees the packages of this
one; making that environment is not counted, since an author has recyclecli installed. pip fetches what
builds the package. The bar is 60 s.
"""

import os
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from pathlib import Path

SHOWN = {
    "command": ("acme", "sizes", "--help"),
    "recipe": ("recipes", "show", "acme-recipe"),
    "check": ("doctor",),
}
KINDS = ("dataset", "augmentation", "model", "loss", "postprocessor", "optimizer", "schedule", "callback", "exporter")
BAR = 60


def fresh_environment(folder: Path) -> Path:
    """The Python of a new environment that sees the packages of this one."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    ask = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip()
    here = [sysconfig.get_path("purelib"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    lines = [f"import site; site.addsitedir({path!r})" for path in here if path]
    (Path(site) / "this.pth").write_text("\n".join(lines))
    return python


def seconds(command: list[object], folder: str) -> float:
    began = time.perf_counter()
    done = subprocess.run([str(part) for part in command], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command}\n{done.stdout}{done.stderr}")
    return time.perf_counter() - began


def main() -> None:
    print(f"seconds, bar {BAR}     new  install     show    tests      all")
    with tempfile.TemporaryDirectory() as place:
        python = fresh_environment(Path(place) / "venv")
        for kind in (*KINDS, *SHOWN):
            name = f"acme-{kind}s"
            steps = [
                [python, "-m", "recyclecli", "plugins", "new", name, "--kind", kind],
                [python, "-m", "pip", "install", "-e", f"{name}[test]"],
                [python, "-m", "recyclecli", *SHOWN.get(kind, ("plugins", "show", f"acme-{kind}"))],
                [python, "-m", "pytest", "-q", name],
            ]
            times = [seconds(step, place) for step in steps]
            print(f"{kind:16}", *(f"{took:8.1f}" for took in [*times, sum(times)]))


if __name__ == "__main__":
    main()
