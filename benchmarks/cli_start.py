"""How long the light commands take, and what twenty more installed plugins add.

    python benchmarks/cli_start.py

Times are medians of 15 runs each, taken in turn, once by the clock and once of the processor alone,
which other work on the machine disturbs less. First the light commands against importing what any
such tool needs (bar: 1.8 times as long, of the processor); then the same commands with and without twenty fake
distributions of five components each, and the median difference of the pairs (bar: 50 ms more for
`recycle --help`).
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FLOOR = [sys.executable, "-c", "import typer, pluggy, pydantic, rich"]
COMMANDS = {"recycle --help": ["--help"], "recycle plugins list": ["plugins", "list"]}
MORE = {
    "recycle aug --help": ["aug", "--help"],
    "recycle train --plugin <TAB>": {
        "_RECYCLE_COMPLETE": "complete_fish",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_ARGS": "recycle train --plugin ",
    },
}
ROUNDS = 15
PLUGINS, BAR = 20, 50

MODULE = """
from pydantic import Field

from recyclecli import hookimpl
from recyclecli.types import LossComponent, Options


class FakeOptions(Options):
    gamma: float = Field(2.0, ge=0, description="of the fake")
    side: int = Field(3, ge=1, description="of the fake")


@hookimpl
def recycle_losses():
    for number in range(5):
        yield LossComponent(f"{name}-loss-{{number}}", "{module}.loss:Loss", FakeOptions, "A loss that is not there")
"""


def milliseconds(command: list[str], env: dict[str, str]) -> tuple[float, float]:
    """By the clock, and of the processor."""
    used, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, env=os.environ | env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    took, now = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took * 1000, (now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime) * 1000


def run(lines: dict[str, tuple[list[str], dict[str, str]]]) -> dict[str, list[tuple[float, float]]]:
    """The times of each line, the lines taken in turn."""
    for line in lines.values():
        milliseconds(*line)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in lines}
    for _ in range(ROUNDS):
        for name, line in lines.items():
            times[name].append(milliseconds(*line))
    return times


def write_distributions(folder: Path) -> None:
    """Fake installed distributions, a package and its metadata each."""
    for number in range(PLUGINS):
        name, module = f"fake-{number}", f"fake_{number}"
        info = folder / f"{module}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[recyclecli]\n{name} = {module}\n")
        (folder / module).mkdir()
        (folder / module / "__init__.py").write_text(MODULE.format(name=name, module=module))


def recycle(arguments: list[str] | dict[str, str], env: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    program = [sys.executable, "-m", "recyclecli"]
    return (program, arguments | env) if isinstance(arguments, dict) else ([*program, *arguments], env)


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        write_distributions(Path(place) / "site")
        path = os.pathsep.join([str(Path(place) / "site"), os.environ.get("PYTHONPATH", "")])
        without = {"RECYCLE_CACHE": f"{place}/without"}
        installed = {"RECYCLE_CACHE": f"{place}/with", "PYTHONPATH": path}
        lines = {"floor": (FLOOR, {})}
        for name, arguments in (COMMANDS | MORE).items():
            lines[name] = recycle(arguments, without)
            lines[f"{name}, installed"] = recycle(arguments, installed)
        times = run(lines)
    for which, how in enumerate(("by the clock", "of the processor")):
        found = {name: [pair[which] for pair in pairs] for name, pairs in times.items()}
        floor = statistics.median(found["floor"])
        print(f"{how}; floor: {' '.join(FLOOR[1:])}: {floor:.0f} ms")
        for name in COMMANDS:
            took = statistics.median(found[name])
            print(f"  {name}: {took:.0f} ms, {took / floor:.2f} of the floor")
        print(f"  with {PLUGINS} more plugins of 5 components each:")
        for name in (*COMMANDS, *MORE):
            more = [after - before for before, after in zip(found[name], found[f"{name}, installed"], strict=True)]
            bar = f" (bar {BAR})" if name == "recycle --help" else ""
            print(f"  {name}: {statistics.median(more):+.0f} ms{bar}")


if __name__ == "__main__":
    main()
