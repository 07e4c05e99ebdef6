"""`recycle init`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recyclecli.cli.options import Data, Dataset, Force, JsonPath, data_root

EXAMPLE = "Example: `recycle init --data DIR`, then `recycle train --recipe recipe.yaml`"

NAME = Path("recipe.yaml")


def init(
    data: Data = None,
    dataset: Dataset = "coco",
    json_path: JsonPath = None,
    out: Annotated[Path, typer.Option("--out", help="The file to write.")] = NAME,
    force: Force = False,
) -> None:
    """Write a commented recipe for the data at hand."""
    from recyclecli.data.sources import open_source
    from recyclecli.data.starter import starter_recipe
    from recyclecli.files import refuse_overwrite
    from recyclecli.locks import held
    from recyclecli.manifest import discover
    from recyclecli.owned import Owned

    root = data_root(data)
    source = open_source(discover(), root, json_path, dataset)
    owned = Owned(out.parent)
    refuse = owned.refuse_overwrite if out == NAME else refuse_overwrite
    refuse([out], force)  # before anything is made
    with held(out):
        refuse([out], force)
        owned.write_text(out, starter_recipe(source, root))
    print(f"{out}: {len(source)} photos, {len(source.class_names)} classes")
    print(f"next      recycle train --recipe {out}")
