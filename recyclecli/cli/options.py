"""Options that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path | None, typer.Option("--data", help="The dataset's root.  [default: $RECYCLE_DATA, else ./data]")]
Dataset = Annotated[str, typer.Option("--dataset", help="Dataset component that reads it.")]
JsonPath = Annotated[
    str | None,
    typer.Option("--json-path", help="Annotation file.  [default: train_all.json, train.json or annotations.json]"),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same result.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that exist.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run's folder, its name in runs/, or `last`.")]


def data_root(data: Path | None) -> Path:
    """The folder that `--data` means."""
    return data or Path(os.environ.get("RECYCLE_DATA") or "data")
