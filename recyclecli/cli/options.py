"""Options that commands of any package share."""

from typing import Annotated

import typer

Seed = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same result.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that exist.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
