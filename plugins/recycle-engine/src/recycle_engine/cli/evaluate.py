"""`recycle eval`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from recycle_data.cli.options import Dataset, DatasetOption, GroupBy, JsonPath, data_root, dataset_settings
from recycle_data.workspace import in_workspace

from recycle_engine.cli.candidates import runs
from recycle_engine.cli.options import Plain, Post, Tta, WindowOption, pipeline_option
from recyclecli.cli.options import AsJson
from recyclecli.errors import counted

if TYPE_CHECKING:
    from recycle_engine.judge.scores import Estimate, Evaluation


@in_workspace
def evaluate(
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="A run's folder, its name in runs/, or `last`.", autocompletion=runs),
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Other labelled photos.  [default: the run's validation split]")
    ] = None,
    dataset: Dataset = "coco",
    json_path: JsonPath = None,
    option: DatasetOption = None,
    submission: Annotated[
        Path | None, typer.Option("--submission", help="Score this CSV of 256x256 labels instead of a model.")
    ] = None,
    masks: Annotated[
        Path | None, typer.Option("--masks", help="Score the masks that `predict --out` wrote instead of a model.")
    ] = None,
    tta: Tta = None,
    post: Post = None,
    window: WindowOption = 0,
    plain: Plain = False,
    group_by: GroupBy = None,
    as_json: AsJson = False,
) -> None:
    """Score a run, a submission or stored masks: mIoU by three definitions, per class, with confidence intervals."""
    from recycle_engine import api
    from recyclecli.errors import RecycleError

    if submission is not None and masks is not None:
        raise RecycleError("--submission and --masks are two things to score", "name one of them")
    stored = submission or masks
    if run is None and stored is None:
        raise RecycleError("nothing to score is named", "name a run, or --submission FILE, or --masks DIR")
    chosen = pipeline_option(tta, post, plain, window)
    if stored is not None and chosen is not None:
        raise RecycleError("--tta, --post and --plain change what a model predicts, not what is stored")
    if run is None:
        data = data_root(data)
    source, how = api.judged_photos(run, data, json_path, dataset, dataset_settings(option))
    print(f"judging on {how}", file=sys.stderr)
    if submission is not None:
        result = api.evaluate_submission(submission, source, group_by)
    elif masks is not None:
        result = api.evaluate_masks(masks, source, group_by)
    else:
        assert run is not None
        _tell_pipeline(run, chosen is None)
        result = api.evaluate(run, source, chosen, group_by, keep=data is None)
    if as_json:
        import json

        print(json.dumps(result.as_dict(), ensure_ascii=False))
        return
    print_evaluation(result)


def _tell_pipeline(run: str, own: bool) -> None:
    from recycle_data.workspace import registry

    from recycle_engine import api
    from recycle_engine.pipeline import pipeline_of, read_choice

    found = api.find_run(run)
    if not own or not found.pipeline.is_file():
        return
    fair, metric = (read_choice(found).get(key) for key in ("cross_fitted", "metric"))
    print(f"pipeline: {pipeline_of(registry(), found, api.recipe_of(run))}, chosen by recycle ablate", file=sys.stderr)
    if isinstance(fair, dict):
        print(
            f"on the photos it was chosen on, its score is flattered; cross-fitted {metric}: {fair['value']:.4f}",
            file=sys.stderr,
        )


def print_evaluation(result: Evaluation) -> None:
    """The scores as tables."""
    from rich.markup import escape
    from rich.table import Table

    from recyclecli.console import Console

    console = Console(highlight=False)
    table = Table(title=f"{counted(result.photos, 'photo')}; intervals of 95 % over photos", title_justify="left")
    for title in ("score", "value", "interval"):
        table.add_column(title, justify="left" if title == "score" else "right", no_wrap=title != "score")
    rows = {
        "mIoU of the dataset, at the photos' own size": result.miou_dataset,
        "mIoU per image, averaged over photos, own size": result.miou_image,
        "mIoU of the dataset at 256x256, as the contest": result.miou_256,
        "boundary IoU of the dataset, near outlines only": result.boundary_iou,
    }
    for name, estimate in rows.items():
        table.add_row(name, *_cells(estimate))
    table.add_row("pixel accuracy", f"{result.accuracy:.4f}", "")
    if result.calibration_error is not None:
        table.add_row("expected calibration error (0 is best)", f"{result.calibration_error:.4f}", "")
    console.print(table)
    table = Table(title=f"each class, at {result.measured_at}", title_justify="left")
    table.add_column("class", min_width=10, max_width=18, overflow="fold")
    for title in ("photos", "IoU", "interval", "precision", "recall", "boundary"):
        table.add_column(title, justify="right", no_wrap=True)
    for entry in result.classes:
        cells = [f"{one:.3f}" if one else "–" for one in (entry.precision, entry.recall, entry.boundary_iou)]
        value, bounds = _cells(entry.iou, 3)
        absent = "absent" if entry.iou is None else value
        table.add_row(escape(entry.name), f"{entry.photos:,}", absent, bounds, *cells)
    console.print(table)


def _cells(estimate: Estimate | None, digits: int = 4) -> tuple[str, str]:
    if estimate is None:
        return "unknown", ""
    bounds = "" if estimate.low is None else f"{estimate.low:.3f}–{estimate.high:.3f}"
    return f"{estimate:.{digits}f}", bounds
