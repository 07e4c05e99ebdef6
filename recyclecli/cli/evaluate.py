"""`recycle eval`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from recyclecli.cli.options import AsJson, Dataset, JsonPath, RunName

EXAMPLE = "Example: `recycle eval last`, or on other photos: `recycle eval last --data other --json-path test.json`"


def evaluate(
    run: RunName,
    data: Annotated[
        Path | None, typer.Option("--data", help="Other labelled photos.  [default: the run's validation split]")
    ] = None,
    dataset: Dataset = "coco",
    json_path: JsonPath = None,
    as_json: AsJson = False,
) -> None:
    """Score a run: mIoU at the photos' own size and at 256x256, and each class."""
    from recyclecli.data.sources import open_source
    from recyclecli.data.splits import make_split
    from recyclecli.engine.runs import find_run
    from recyclecli.errors import RecycleError
    from recyclecli.plugins import discover
    from recyclecli.recipe import resolve

    if json_path is not None and data is None:
        raise RecycleError("--json-path without --data", "name the folder that its file names are relative to")
    registry = discover()
    found = find_run(run)
    recipe = resolve(registry, found.recipe)
    if data is not None:
        source = open_source(registry, data, json_path, dataset)
        print(f"judging on {len(source)} photos of {data}", file=sys.stderr)
    else:
        split = make_split(registry, recipe.data, recipe.seed)
        source = split.val
        print(f"judging on the run's {len(source)} validation photos: {split.how}", file=sys.stderr)
    from recyclecli.engine import evaluate as engine

    result = engine.evaluate(registry, found, recipe, source)
    if as_json:
        import json

        print(json.dumps(result.as_dict(), ensure_ascii=False))
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("class", "IoU")
    for name, iou in result.iou.items():
        table.add_row(escape(name), "absent" if iou is None else f"{iou:.4f}")
    Console().print(table)
    print(f"mIoU {result.miou:.4f} at the photos' own size, {result.miou_256:.4f} at 256x256")
    print(f"pixel accuracy {result.accuracy:.4f}, {result.photos} photos")
