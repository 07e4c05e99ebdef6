"""Options that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from recyclecli.engine.pipeline import Pipeline
    from recyclecli.judge.scores import Metric

Data = Annotated[Path | None, typer.Option("--data", help="The dataset's root.  [default: $RECYCLE_DATA, else ./data]")]
Dataset = Annotated[str, typer.Option("--dataset", help="Dataset component that reads it.")]
JsonPath = Annotated[
    str | None,
    typer.Option("--json-path", help="Annotation file.  [default: train_all.json, train.json or annotations.json]"),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same result.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that exist.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run's folder, its name in runs/, or `last`.")]

TrainJson = Annotated[
    list[str] | None, typer.Option("--train-json", metavar="JSON[@ROOT]", help="Training file; repeatable.")
]
ValJson = Annotated[
    list[str] | None, typer.Option("--val-json", metavar="JSON[@ROOT]", help="Validation file; repeatable.")
]
Fold = Annotated[int | None, typer.Option("--fold", min=0, help="Fold of folds.json to hold out.")]

Mode = Annotated[
    Literal["add", "self"],
    typer.Option("--mode", help="add: the training photos are in the file, too; self: the new ones alone."),
]
Out = Annotated[Path | None, typer.Option("--out", help="Folder to write to.  [default: the data's]")]
Size = Annotated[
    int | None,
    typer.Option("--size", min=32, max=4096, help="Fit photos into SIZExSIZE first.  [default: as they are]"),
]
Device = Annotated[str, typer.Option("--device", help="Torch device.")]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Processes.  [default: one a core]")]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at a photo that cannot be read, not skip it.")]

GroupBy = Annotated[
    str | None,
    typer.Option("--group-by", help="Photos that belong together: near-duplicates, folder, FIELD, or FIELD:REGEX."),
]
Tta = Annotated[list[str] | None, typer.Option("--tta", metavar="VIEW", help="Test-time view; repeatable.")]
Post = Annotated[list[str] | None, typer.Option("--post", help="Post-processor; repeatable.")]
Plain = Annotated[bool, typer.Option("--plain", help="The bare model, whatever the run's pipeline is.")]
MetricName = Annotated[
    str | None,
    typer.Option("--metric", help="miou_dataset, miou_image, miou_256 or boundary_iou.  [default: miou_dataset]"),
]
Worth = Annotated[float, typer.Option("--worth", min=0.0001, max=1, help="The smallest difference worth having.")]


def data_root(data: Path | None) -> Path:
    """The folder that `--data` means."""
    return data or Path(os.environ.get("RECYCLE_DATA") or "data")


def data_settings(
    data: Path | None,
    dataset: str | None,
    json_path: str | None,
    train_json: list[str] | None,
    val_json: list[str] | None,
    fold: int | None,
) -> dict[str, Any]:
    """The recipe keys that these flags mean; those that were not given are left out."""
    flags = {
        "data.root": data,
        "data.dataset": dataset,
        "data.json_path": json_path,
        "data.train": _files(train_json),
        "data.val": _files(val_json),
        "data.fold": fold,
    }
    return {key: value for key, value in flags.items() if value is not None}


def _files(places: list[str] | None) -> list[dict[str, str]] | None:
    """`JSON[@ROOT]` texts as the recipe's entries."""
    if not places:
        return None
    pairs = [place.rpartition("@") if "@" in place else (place, "", "") for place in places]
    return [{"json": file, "root": root} if root else {"json": file} for file, _, root in pairs]


def metric_option(name: str | None) -> Metric | None:
    """The score that `--metric` means."""
    from recyclecli.errors import RecycleError, nearest
    from recyclecli.judge.scores import METRICS

    for metric in METRICS:
        if name in (None, metric):
            return metric if name else None
    raise RecycleError(f"--metric {name}: no such score", nearest(str(name), METRICS))


def pipeline_option(tta: list[str] | None, post: list[str] | None, plain: bool) -> Pipeline | None:
    """The pipeline that `--tta`, `--post` and `--plain` mean; None for the run's own."""
    from recyclecli import api
    from recyclecli.errors import RecycleError

    if plain and (tta or post):
        raise RecycleError("--plain together with --tta or --post", "leave out --plain")
    return api.pipeline(tta or (), post or ()) if plain or tta or post else None
