"""`recycle data kfold`"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recycle_data.cli.options import CrowdsOption, Data, Dataset, DatasetOption, JsonPath, data_root, dataset_settings
from recyclecli.cli.options import AsJson, Force, Seed
from recyclecli.errors import counted

if TYPE_CHECKING:
    from recycle_data.folds import Folds


def kfold(
    n: Annotated[
        int | None, typer.Option("--n", min=2, help="Number of folds.  [default: 5, or as many as --keep has]")
    ] = None,
    data: Data = None,
    dataset: Dataset = "coco",
    json_path: JsonPath = None,
    option: DatasetOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the files.  [default: the data's]")] = None,
    seed: Seed = 0,
    force: Force = False,
    group_by: Annotated[
        str | None,
        typer.Option(
            "--group-by",
            help="Keep related photos in one fold: near-duplicates, folder, FIELD of the images, or FIELD:REGEX.",
        ),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="FOLDS", help="A folds.json whose photos stay in their folds; new ones join."),
    ] = None,
    crowds: CrowdsOption = None,
    as_json: AsJson = False,
) -> None:
    """Split into n folds with every class evenly spread, rare ones included."""
    import json

    from recycle_coco.paths import SPLIT_FILES

    from recycle_data import api

    root = data_root(data)
    folds, paths = api.kfold(
        root, n, seed, group_by, json_path, dataset, out or root, force, dataset_settings(option, crowds), keep
    )
    read = f"{' and '.join(map(str, folds.files)) or root}: {counted(sum(map(len, folds.photos)), 'photo')}"
    print(f"{read}, and {folds.left_out} test photos that are in no fold" if folds.left_out else read, file=sys.stderr)
    if folds.group_sizes and group_by:
        sizes = folds.group_sizes
        print(
            f"{counted(len(sizes), 'group')} by {group_by}, the largest of {counted(max(sizes), 'photo')}",
            file=sys.stderr,
        )
    if as_json:
        rows = [
            {"fold": k, "photos": len(photos), "images": dict(zip(folds.class_names, row, strict=True))}
            for k, (photos, row) in enumerate(zip(folds.photos, folds.images.tolist(), strict=True))
        ]
        print(json.dumps(rows, ensure_ascii=False))
        return
    print_folds(folds)
    print(f"wrote {len(paths)} files, the last {paths[-1]}", file=sys.stderr)
    given = [f"data.dataset.{one.removeprefix('data.dataset.')}" for one in option or ()]
    reads = ["--dataset", dataset] if dataset != "coco" else []
    reads += ["--json-path", json_path] if json_path else []
    reads += [word for one in given for word in ("-o", one)] + (["--crowds", crowds] if crowds else [])
    reads += ["--fold", "0"]
    if (out or root).resolve() != root.resolve():  # files in COCO's form, whatever was read
        files = (str(out / name) for name in ("kfold_0_train.json", "kfold_0_val.json") if out)
        reads = [word for pair in zip(("--train-json", "--val-json"), files, strict=True) for word in pair]
    elif all((root / name).is_file() for name in SPLIT_FILES):
        print(f"note: without --fold, train takes {' with '.join(SPLIT_FILES)}", file=sys.stderr)
    words = ["recycle", "train", "--data", str(root), *reads]
    print(f"next: {shlex.join(words)}", file=sys.stderr)


def print_folds(folds: Folds) -> None:
    """Photos of each class by fold, and how far each class and fold is from even."""
    import numpy as np
    from recycle_coco import has_background
    from rich.markup import escape
    from rich.table import Table

    from recyclecli.console import Console

    table = Table(title="photos that show each class, by validation fold", title_justify="left")
    table.add_column("class")
    for k in range(len(folds.photos)):
        table.add_column(f"fold {k}", justify="right")
    table.add_column("even", justify="right")
    table.add_column("max-min", justify="right")
    sizes = np.array([len(photos) for photos in folds.photos])
    shown = [label for label in range(len(folds.class_names)) if label or folds.images[:, label].any()]
    rows = {"(all photos)": sizes} | {folds.class_names[label]: folds.images[:, label] for label in shown}
    for name, column in rows.items():
        table.add_row(escape(name), *map(str, column), f"{column.mean():.1f}", str(np.ptp(column)))
    table.add_section()
    counts = np.stack(list(rows.values()))
    mean = counts.mean(1, keepdims=True)
    off = np.abs(counts - mean) / np.maximum(mean, 1)
    table.add_row("farthest from even", *(f"{share:.0%}" for share in off.max(0)), "", "")
    Console().print(table)
    first = int(has_background(folds.class_names))
    bare = [str(k) for k, row in enumerate(folds.images) if not row[first:].any()]
    if bare:
        print(
            f"warning: no photo of fold {', '.join(bare)} shows a class but the background, so that training "
            "with it is refused: make fewer folds, or label more photos",
            file=sys.stderr,
        )
    uneven = [f"{name} {column.min()} to {column.max()}" for name, column in rows.items() if np.ptp(column) > 1]
    if uneven:
        print(f"the best that was found; counts that differ by more than one: {', '.join(uneven)}", file=sys.stderr)
