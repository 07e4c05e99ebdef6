"""`recycle soup`"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer
from recycle_data.workspace import in_workspace

from recycle_engine.cli.options import Models, Weights
from recyclecli.cli.options import AsJson
from recyclecli.errors import counted


@in_workspace
def soup(
    models: Models,
    name: Annotated[str, typer.Option("--name", help="Of the new run.")],
    weight: Weights = None,
    runs: Annotated[Path, typer.Option("--runs", help="Folder with the runs.")] = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """Average the weights of several models into a new run.

    Wortsman et al., "Model soups" (2022).
    """
    from recycle_engine import api

    run = api.soup(models, name, weight or [], runs)
    if as_json:
        print(json.dumps({"run": str(run.folder), "models": len(models)}, ensure_ascii=False))
    else:
        scored = shlex.quote(str(run.folder))
        print(f"{run.folder}: the mean of {counted(len(models), 'model')}; recycle eval {scored} scores it")
