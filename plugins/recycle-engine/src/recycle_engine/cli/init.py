"""`recycle init`"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer
from recycle_data.cli.options import Data, Dataset, DatasetOption, JsonPath, data_root, dataset_settings

from recyclecli.cli.options import Force
from recyclecli.errors import counted

NAME = Path("recipe.yaml")


def init(
    data: Data = None,
    dataset: Dataset = "coco",
    json_path: JsonPath = None,
    option: DatasetOption = None,
    out: Annotated[Path, typer.Option("--out", help="The file to write.")] = NAME,
    force: Force = False,
) -> None:
    """Write a commented recipe for the data at hand."""
    from recycle_data.owned import Owned
    from recycle_data.sources import open_source
    from recycle_data.splits import make_split
    from recycle_data.starter import CPU, GPU, starter_recipe

    from recycle_engine.doctor import has_gpu
    from recyclecli.discovery import discover
    from recyclecli.errors import RecycleError
    from recyclecli.files import refuse_overwrite
    from recyclecli.locks import held
    from recyclecli.recipe import DataSection

    root = data_root(data)
    registry = discover()
    source = open_source(registry, root, json_path, dataset, dataset_settings(option))
    owned = Owned(out.parent)
    refuse = owned.refuse_overwrite if out == NAME else refuse_overwrite
    refuse([out], force)  # before anything is made
    part = {"name": dataset, **dataset_settings(option)}
    settings: dict[str, Any] = {"json_path": json_path} if json_path else {}
    if dataset != "coco" or option:
        settings["dataset"] = part
    try:
        split = make_split(registry, DataSection.model_validate({"root": root, "dataset": part, **settings}), 0)
        photos, how = len(split.train), split.how
    except RecycleError as error:
        photos, how = len(source), f"cannot be split yet: {error.args[0]}"
    text = starter_recipe(source, root, settings, photos, str(out), GPU if has_gpu() else CPU)
    with held(out):
        refuse([out], force)
        owned.write_text(out, text)
    content = f"{counted(len(source), 'photo')}, {counted(len(source.class_names), 'class')}"
    print(f"{out}: {content}; {photos} to train on: {how}")
    file = str(out) if out.suffix in (".yaml", ".yml") or out.name != str(out) else f"./{out}"  # else it is a name
    print(f"next      recycle train --recipe {shlex.quote(file)}")
