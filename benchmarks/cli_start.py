"""How long the light commands take, against importing what any such tool needs.

    python benchmarks/cli_start.py

Prints the median of 15 runs each, taken in turn, and the ratio; the bar is 2.5.
"""

import statistics
import subprocess
import sys
import time

FLOOR = [sys.executable, "-c", "import typer, pluggy, pydantic, rich"]
COMMANDS = {"recycle --help": ["--help"], "recycle plugins list": ["plugins", "list"]}
ROUNDS = 15


def seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    lines = {"floor": FLOOR} | {
        name: [sys.executable, "-m", "recyclecli", *arguments] for name, arguments in COMMANDS.items()
    }
    for command in lines.values():
        seconds(command)
    times: dict[str, list[float]] = {name: [] for name in lines}
    for _ in range(ROUNDS):
        for name, command in lines.items():
            times[name].append(seconds(command))
    floor = statistics.median(times["floor"])
    print(f"floor: {' '.join(FLOOR[1:])}: {floor * 1000:.0f} ms")
    for name in COMMANDS:
        took = statistics.median(times[name])
        print(f"{name}: {took * 1000:.0f} ms, {took / floor:.2f} of the floor (bar 2.5)")


if __name__ == "__main__":
    main()
