"""`recycle data ...`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from recyclecli.cli.options import AsJson, Data, Dataset, Force, JsonPath, Seed, data_root

app = typer.Typer(no_args_is_help=True, help="Make, split and look after data.")


@app.command(epilog="Example: `recycle data sample --images 60 --data data`")
def sample(
    data: Data = None,
    images: Annotated[int, typer.Option("--images", min=2, help="How many photos.")] = 60,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Write the embedded sample set: photos and annotations.json in COCO form."""
    from recyclecli.data.sources import open_source
    from recyclecli.data.write import write_photos
    from recyclecli.plugins import discover

    root = data_root(data)
    source = open_source(discover(), root, None, "sample", {"images": images, "seed": seed})
    print(write_photos(source, root, "annotations.json", force))


@app.command(epilog="Example: `recycle data kfold --n 5`")
def kfold(
    n: Annotated[int, typer.Option("--n", min=2, help="How many folds.")] = 5,
    data: Data = None,
    dataset: Dataset = "coco",
    json_path: JsonPath = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the files.  [default: the data's]")] = None,
    seed: Seed = 0,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Split into n folds that hold every class evenly, also the rare ones."""
    import json

    from rich.console import Console
    from rich.table import Table

    from recyclecli.data.folds import make_folds, write_folds
    from recyclecli.data.sources import open_source
    from recyclecli.plugins import discover

    root = data_root(data)
    source = open_source(discover(), root, json_path, dataset)
    folds = make_folds(source, n, seed)
    paths = write_folds(source, folds, out or root, seed, force)
    if as_json:
        rows = [
            {"fold": k, "photos": len(photos), "images": dict(zip(folds.class_names, row, strict=True))}
            for k, (photos, row) in enumerate(zip(folds.photos, folds.images.tolist(), strict=True))
        ]
        print(json.dumps(rows, ensure_ascii=False))
        return
    table = Table(title="photos that show each class, by validation fold", title_justify="left")
    table.add_column("class")
    for k in range(n):
        table.add_column(f"fold {k}", justify="right")
    table.add_column("max-min", justify="right")
    table.add_row("(all photos)", *(str(len(photos)) for photos in folds.photos), _spread(folds.photos))
    for label, name in enumerate(folds.class_names):
        column = folds.images[:, label]
        if label or column.any():
            table.add_row(name, *map(str, column), str(column.max() - column.min()))
    Console().print(table)
    print(f"wrote {len(paths)} files, the last {paths[-1]}", file=sys.stderr)


def _spread(photos: tuple[tuple[int, ...], ...]) -> str:
    sizes = [len(fold) for fold in photos]
    return str(max(sizes) - min(sizes))
