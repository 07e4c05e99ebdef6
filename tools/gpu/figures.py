"""Figures as the steps note them, and the table that docs/benchmarks.md takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from gpu.settings import settings


class Figure(NamedTuple):
    """One row of the table: what was measured, the figure with its unit, and the bar where there is one."""

    what: str
    figure: str
    bar: str = ""


def note(what: str, figure: str, bar: str = "") -> None:
    """Print a figure and write it down at once, so that a step that is ended later loses none."""
    print(f"{what}: {figure}" + (f" (bar {bar})" if bar else ""), flush=True)
    with noted(settings().out).open("a") as file:
        file.write(json.dumps(Figure(what, figure, bar)._asdict()) + "\n")


def noted(out: Path) -> Path:
    """The file of the figures, a JSON object a line."""
    return out / "figures.jsonl"


def read(out: Path) -> list[Figure]:
    """The figures so far."""
    if not noted(out).is_file():
        return []
    return [Figure(**json.loads(line)) for line in noted(out).read_text().splitlines()]


def table(figures: list[Figure], machine: str) -> str:
    """The figures in Markdown, under what they were measured on."""
    rows = [Figure("what", "figure", "bar"), Figure("---", "---", "---"), *figures]
    cells = ([part.replace("|", "\\|").replace("\n", " ") for part in row] for row in rows)
    return f"{machine}\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in cells)
