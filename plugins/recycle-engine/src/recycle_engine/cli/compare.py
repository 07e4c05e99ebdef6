"""`recycle compare`"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from recycle_data.cli.options import Dataset, DatasetOption, GroupBy, JsonPath, data_root, dataset_settings
from recycle_data.workspace import in_workspace

from recycle_engine.cli.candidates import runs_with_tricks
from recycle_engine.cli.groups import flags_given
from recycle_engine.cli.options import MetricName, MinEffect, metric_option
from recyclecli.cli.options import AsJson
from recyclecli.errors import RecycleError, counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from recycle_engine.judge.compare import Comparison, Difference

JUDGING = ("data", "dataset", "json_path", "option", "metric", "min_effect", "group_by")  # not taken with --settings


@in_workspace
def compare(
    ctx: typer.Context,
    results: Annotated[
        list[str],
        typer.Argument(
            metavar="RESULT RESULT ...",
            help="Runs, RUN+TRICK+TRICK, folders of masks, submission CSVs; the first is the baseline.",
            autocompletion=runs_with_tricks,
        ),
    ],
    data: Annotated[
        Path | None, typer.Option("--data", help="Labelled photos.  [default: the first run's validation split]")
    ] = None,
    dataset: Dataset = "coco",
    json_path: JsonPath = None,
    option: DatasetOption = None,
    metric: MetricName = None,
    min_effect: MinEffect = 0.005,
    group_by: GroupBy = None,
    settings: Annotated[
        bool, typer.Option("--settings", help="Show only the recipe keys, versions and devices in which runs differ.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Test the difference of results on the same photos, in all and per class; may answer 'not enough data'."""
    from recycle_engine import api

    if settings:
        _compare_settings(ctx, results, as_json)
        return

    chosen = metric_option(metric)
    first = next((run for run in map(api.run_of, results) if run), None)
    if first is None:
        data = data_root(data)
    source, how = api.judged_photos(first, data, json_path, dataset, dataset_settings(option))
    print(f"judging on {how}", file=sys.stderr)
    found = api.compare(results, source, chosen, min_effect, group_by)
    if as_json:
        print(json.dumps([one.as_dict() for one in found], ensure_ascii=False))
        return
    print_comparison(results[0], found, min_effect)


def _compare_settings(ctx: typer.Context, runs: list[str], as_json: bool) -> None:
    from recycle_engine import api
    from recycle_engine.cli.runs_table import print_settings

    if given := flags_given(ctx, JUDGING):
        raise RecycleError(f"{', '.join(given)} would do nothing with --settings", f"leave out {', '.join(given)}")
    found = api.compare_settings(runs)
    if as_json:
        print(json.dumps(found.as_dict(), ensure_ascii=False))
    elif found.differences:
        print_settings(found)
    else:
        print("no setting, version or device differs")


def print_comparison(base: str, found: list[Comparison], min_effect: float) -> None:
    """The differences as tables: the scores, then each class of each comparison; last, in words."""
    from rich.markup import escape

    from recyclecli.console import Console

    console = Console(highlight=False)
    first = found[0]
    table = table_of(f"{first.metric} against {escape(base)}: {first.base:.4f}", "result", "score")
    for one in found:
        table.add_row(escape(one.name), f"{one.score:.4f}", *cells(one.difference, one.difference.verdict))
    console.print(table)
    for one in found:
        table = table_of(f"{escape(one.name)}, each class: IoU", "class", "photos")
        for name, difference in one.classes.items():
            table.add_row(escape(name), f"{difference.photos:,}", *cells(difference, difference.verdict))
        console.print(table)
    for line in notes([one.difference for one in found], min_effect):
        console.print(line, soft_wrap=True)
    for one in found:
        why = f": {one.difference.why}" if one.difference.why else ""
        console.print(f"{escape(one.name)}: {one.difference.verdict}{why}", soft_wrap=True)


def table_of(title: str, what: str, number: str) -> Table:
    """An empty table of differences; its rows end with `cells`."""
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    table.add_column(what, min_width=10, overflow="fold")
    for head in (number, "difference", "95 % interval", "q"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    return table


def cells(one: Difference, verdict: str) -> list[str]:
    """Difference, interval, q and verdict of a table's row."""
    if one.value != one.value:
        return ["–", "–", "–", "absent"]
    bounds = f"{one.low:+.3f} to {one.high:+.3f}" if one.low == one.low else "–"
    q = f"{one.q:.3f}" if one.q == one.q else "–"
    if verdict == "not enough data":
        verdict = f"needs {one.lacking:,}" if one.lacking else "needs seeds"
    return [f"{one.value:+.4f}", bounds, q, verdict]


def notes(differences: list[Difference], min_effect: float) -> Iterator[str]:
    """What the tables rest on."""
    sds = [f"{one.sd:.3f}" for one in differences]
    shown = ", ".join(sds) if len(sds) < 5 else f"{min(sds)} to {max(sds)}"
    photos = max(one.photos for one in differences)
    yield f"paired standard deviation over {counted(photos, 'photo')} (or groups): {shown}"
    yield f"needs N: not enough data; about N photos (that show the class) would tell a difference of {min_effect:g}"
    yield f"q: after Benjamini-Hochberg; 'same' and 'drop': less than {min_effect:g} is at stake"
