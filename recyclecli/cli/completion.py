"""`recycle completion`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print a script that completes commands, options, components, runs and recipe keys in your shell."""
    script = Path(__file__).parent / "shells" / f"recycle.{shell}"
    print(script.read_text(encoding="utf-8"), end="")
