"""`recycle init`"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer
from recycle_data.cli.options import Data, Dataset, DatasetOption, JsonPath, data_root, dataset_settings
from recycle_data.starter import STARTER_FILE

from recyclecli.cli.options import Force
from recyclecli.errors import counted


def init(
    data: Data = None,
    dataset: Dataset = "coco",
    json_path: JsonPath = None,
    option: DatasetOption = None,
    out: Annotated[Path, typer.Option("--out", help="The file to write.")] = Path(STARTER_FILE),
    force: Force = False,
) -> None:
    """Write a commented recipe that fits your data."""
    from recycle_engine import api

    done = api.init(data_root(data), out, json_path, dataset, dataset_settings(option), force)
    content = f"{counted(done.photos, 'photo')}, {counted(done.classes, 'class')}"
    print(f"{out}: {content}; {done.trained_on} to train on: {done.how}")
    file = str(out) if out.suffix in (".yaml", ".yml") or out.name != str(out) else f"./{out}"  # else it is a name
    print(f"next      recycle train --recipe {shlex.quote(file)}")
