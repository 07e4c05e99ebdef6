"""The commands of `acme_commands`, which nothing imports before one is typed."""

import os
from pathlib import Path
from typing import Annotated

import typer

print("the package greets")  # where a result would be
os.environ["ACME_IMPORTED"] = "1"
app = typer.Typer(help="Weather of several kinds.", no_args_is_help=True)


@app.command()
def rain(drops: int = 3) -> None:
    """Draw drops."""
    print(f"{drops} drops")


@app.command()
def snow() -> None:
    """Draw flakes."""


def upload(
    photos: Path,
    bucket: Annotated[str, typer.Option("--bucket", help="Where to.", autocompletion=lambda: ["bins", "belts"])] = "b",
) -> None:
    """Upload photos, each once."""
    print(f"{photos} to {bucket}")


def dedupe(fail: bool = False) -> None:
    """Drop photos that are there twice."""
    if fail:
        raise ZeroDivisionError("no photos")
    print("nothing is there twice")
