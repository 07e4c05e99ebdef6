"""`recycle plugins new`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the package, such as acme-losses.")],
    kind: Annotated[
        Literal[
            "dataset",
            "augmentation",
            "model",
            "loss",
            "postprocessor",
            "optimizer",
            "schedule",
            "callback",
            "exporter",
            "command",
            "recipe",
            "check",
        ],
        typer.Option("--kind", help="What it offers."),
    ],
    out: Annotated[Path | None, typer.Option("--out", help="Folder to write.  [default: ./NAME]")] = None,
) -> None:
    """Write a package with one component, command, recipe or check, complete with passing tests."""
    from recycle_kit.scaffold import write_kit

    folder = out or Path(name)
    for file in write_kit(name, kind, folder):
        print(file)
    print(f"next: pip install -e '{folder}[test]', then pytest {folder}", file=sys.stderr)
