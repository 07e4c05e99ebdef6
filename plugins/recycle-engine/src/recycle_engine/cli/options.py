"""Options of commands that use a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from recycle_data.cli.candidates import components
from recycle_data.cli.options import folder_of

from recycle_engine.cli.candidates import metrics, runs, runs_with_tricks, views

if TYPE_CHECKING:
    from recycle_engine.judge.scores import Metric
    from recycle_engine.pipeline import Pipeline

RunName = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's folder, its name in runs/, or `last`.", autocompletion=runs)
]

Models = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN...",
        help="Runs, RUN+TRICK+TRICK, or checkpoints within runs.",
        autocompletion=runs_with_tricks,
    ),
]
Weights = Annotated[list[float] | None, typer.Option("--weight", help="Of each model, in their order; repeatable.")]
MovedData = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Where the run's data is now.  [default: as its recipe says, else $RECYCLE_DATA]",
        callback=folder_of,
        is_eager=True,
    ),
]
Tta = Annotated[
    list[str] | None,
    typer.Option("--tta", metavar="VIEW", help="Test-time view; repeatable.", autocompletion=views),
]
Post = Annotated[
    list[str] | None,
    typer.Option("--post", help="Post-processor; repeatable.", autocompletion=components("postprocessor")),
]
Plain = Annotated[bool, typer.Option("--plain", help="Ignore the run's pipeline: the bare model.")]
WindowOption = Annotated[
    float,
    typer.Option(
        "--sliding-window",
        metavar="ZOOM",
        help="Enlarge photos to ZOOM times the training size and predict overlapping windows.",
    ),
]
MetricName = Annotated[
    str | None,
    typer.Option(
        "--metric",
        help="miou_dataset, miou_image, miou_256 or boundary_iou.  [default: miou_dataset]",
        autocompletion=metrics,
    ),
]
MinEffect = Annotated[float, typer.Option("--min-effect", min=0.0001, max=1, help="Smallest difference that matters.")]


def metric_option(name: str | None) -> Metric | None:
    """The score that `--metric` means."""
    from recycle_engine.judge.scores import METRICS
    from recyclecli.errors import RecycleError, suggest

    for metric in METRICS:
        if name in (None, metric):
            return metric if name else None
    raise RecycleError(f"--metric {name}: no such score", suggest(str(name), METRICS))


def pipeline_option(tta: list[str] | None, post: list[str] | None, plain: bool, window: float = 0) -> Pipeline | None:
    """The pipeline that `--tta`, `--post`, `--plain` and `--sliding-window` mean; None for the run's own."""
    from recycle_engine import api
    from recyclecli.errors import RecycleError

    if plain and (tta or post or window):
        raise RecycleError("--plain together with --tta, --post or --sliding-window", "leave out --plain")
    return api.pipeline(tta or (), post or (), sliding_window=window) if plain or tta or post or window else None
