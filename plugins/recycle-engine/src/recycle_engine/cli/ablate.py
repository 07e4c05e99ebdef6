"""`recycle ablate`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from recycle_data.cli.candidates import components
from recycle_data.cli.options import Dataset, DatasetOption, GroupBy, JsonPath, dataset_settings
from recycle_data.workspace import in_workspace

from recycle_engine.cli.candidates import inference_tricks
from recycle_engine.cli.compare import cells, notes, table_of
from recycle_engine.cli.options import MetricName, MinEffect, RunName, metric_option
from recyclecli.cli.options import AsJson, Force
from recyclecli.errors import counted

if TYPE_CHECKING:
    from recycle_engine.evaluation.ablate import Ablation

FULL_WIDTH = 100  # columns, in which a trick's name stands on one line


@in_workspace
def ablate(
    run: RunName,
    data: Annotated[
        Path | None, typer.Option("--data", help="Labelled photos.  [default: the run's validation split]")
    ] = None,
    dataset: Dataset = "coco",
    json_path: JsonPath = None,
    option: DatasetOption = None,
    trick: Annotated[
        list[str] | None,
        typer.Option("--trick", help="Test only this trick; repeatable.", autocompletion=inference_tricks),
    ] = None,
    search: Annotated[
        list[str] | None,
        typer.Option(
            "--search",
            help="Also search this post-processor's options; repeatable.",
            autocompletion=components("postprocessor"),
        ),
    ] = None,
    metric: MetricName = None,
    min_effect: MinEffect = 0.005,
    group_by: GroupBy = None,
    retrained: Annotated[
        bool,
        typer.Option(
            "--retrained/--no-retrained", help="Also judge training settings by the other runs in the folder."
        ),
    ] = True,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Keep or drop each test-time trick by a paired test; `predict` then uses the ones kept."""
    from recycle_data.owned import Owned

    from recycle_engine import api

    owner = api.find_run(run)
    Owned(owner.folder).refuse_overwrite([owner.pipeline], force)
    source, how = api.judged_photos(run, data, json_path, dataset, dataset_settings(option))
    chosen = metric_option(metric) or "miou_dataset"
    found = api.ablate(run, source, chosen, min_effect, group_by, trick or (), retrained, force, how, search or ())
    if as_json:
        import json

        print(json.dumps(found.as_dict(), ensure_ascii=False))
        return
    print_ablation(found)
    print(f"written to {api.find_run(run).pipeline}; recycle predict uses it", file=sys.stderr)


def print_ablation(found: Ablation) -> None:
    """The answers as tables, and the choice."""
    from rich.markup import escape

    from recyclecli.console import Console

    console = Console(highlight=False)
    choice = found.choice
    photos = counted(found.photos, "photo")
    titles = {
        f"each trick alone, {found.metric} on {photos}; without any {choice.base:.4f}": found.tricks,
        "what retraining changed, over seeds (runs without and with it)": found.retrained,
        "several runs or checkpoints as one": found.together,
    }
    for title, tricks in titles.items():
        if not tricks:
            continue
        table = table_of(title, "trick", "score")
        for trick in tricks:
            one = trick.comparison
            seeds = f" ({one.seeds[0]} and {one.seeds[1]})" if tricks is found.retrained else ""
            name = trick.name if console.width >= FULL_WIDTH else trick.name.replace("=", "= ")  # where a line may end
            table.add_row(escape(name) + seeds, f"{one.score:.4f}", *cells(one.difference, trick.answer))
        console.print(table)
    answers = [trick for tricks in titles.values() for trick in tricks]
    for line in notes([trick.comparison.difference for trick in answers], found.min_effect):
        console.print(line, soft_wrap=True)
    fair = choice.cross_fitted
    bounds = "" if fair.low is None else f" ({fair.low:.4f} to {fair.high:.4f})"
    console.print(f"chosen: {escape(str(found.pipeline))}, {choice.score:.4f} on the photos it was chosen on")
    console.print(f"cross-fitted, the figure to tell others: {fair:.4f}{bounds}; bare {choice.base:.4f}")
