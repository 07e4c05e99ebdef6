"""`recycle pseudo-label`"""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer
from recycle_data.cli.options import key_values
from recycle_data.workspace import in_workspace

from recycle_engine.cli.candidates import runs
from recycle_engine.cli.groups import RuntimeArgs, expand_groups, flags_given, tell_unreadable
from recycle_engine.cli.options import Plain, Post, RunName, Tta, WindowOption, pipeline_option
from recyclecli.cli.options import AsJson, Force
from recyclecli.errors import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recycle_data.pseudo import PseudoLabels

    from recycle_engine.api.rounds import Round

LABELLING_OPTIONS = (
    "others",
    "rule",
    "threshold",
    "class_threshold",
    "agree",
    "min_coverage",
    "tta",
    "post",
    "window",
    "plain",
)
UNUSED_OPTIONS = (*LABELLING_OPTIONS, *(field.name for field in fields(RuntimeArgs)))  # with a submission


@expand_groups
@in_workspace
def pseudo_label(
    ctx: typer.Context,
    run: RunName,
    running: RuntimeArgs,
    images: Annotated[
        Path, typer.Argument(metavar="IMAGES", help="Photos without labels: folder, pattern, COCO file.")
    ],
    others: Annotated[
        list[str] | None,
        typer.Option(
            "--ensemble-with", metavar="RUN", help="Another run that helps to label; repeatable.", autocompletion=runs
        ),
    ] = None,
    rule: Annotated[
        Literal["fixed", "quantile", "class-balanced"],
        typer.Option(
            "--rule",
            help="What --threshold means: a probability; the surest share of each class; or a probability, "
            "lowered for harder classes.",
        ),
    ] = "fixed",
    threshold: Annotated[float, typer.Option("--threshold", min=0, max=1, help="See --rule.")] = 0.9,
    class_threshold: Annotated[
        list[str] | None, typer.Option("--class-threshold", metavar="NAME=VALUE", help="For one class; repeatable.")
    ] = None,
    agree: Annotated[
        float, typer.Option("--agree", min=0, max=1, help="Share of models and views that must give the same label.")
    ] = 0,
    min_coverage: Annotated[
        float,
        typer.Option("--min-coverage", min=0, max=1, help="Skip photos with a smaller share of confident pixels."),
    ] = 0.1,
    from_csv: Annotated[
        Path | None,
        typer.Option("--from-csv", help="Use all labels of a submission instead, as the contest's teams did."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="COCO file; with --rounds, a folder.  [default: beside the photos]")
    ] = None,
    rounds: Annotated[
        int,
        typer.Option(
            "--rounds", min=0, help="Also train up to this many students on the labels, while each one gains."
        ),
    ] = 0,
    weight: Annotated[
        float,
        typer.Option("--weight", min=0.01, help="Sampling weight of these photos in training; true labels have 1."),
    ] = 1.0,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Folder that names in a COCO file are relative to.  [default: its own folder]"),
    ] = None,
    tta: Tta = None,
    post: Post = None,
    window: WindowOption = 0,
    plain: Plain = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Label photos with a model's confident pixels; all others are ignored. For `recycle train --train-json`.

    Photos that the run was trained or validated on are skipped.
    """
    from recycle_engine import api
    from recycle_engine.inference.photos import root_of
    from recyclecli.errors import RecycleError

    named = key_values("--class-threshold", class_threshold or [])
    wrong = [name for name, value in named.items() if not isinstance(value, (int, float))]
    if wrong:
        raise RecycleError(f"--class-threshold {wrong[0]}={named[wrong[0]]}: no number", "give a probability, as 0.8")
    options: dict[str, Any] = {
        "pipeline": pipeline_option(tta, post, plain, window),
        "wanted": api.Sureness(rule, threshold, cast("dict[str, float]", named), agree, min_coverage),
        "data": data,
        "force": force,
        **running.keywords,
    }
    if rounds:
        given = flags_given(ctx, ("others", "from_csv"))
        if given or out is None:
            remedies = [*([f"leave out {', '.join(given)}"] if given else []), *(["name --out"] if out is None else [])]
            raise RecycleError("--rounds starts from one run and writes a folder", ", and ".join(remedies))
        done = api.self_train(run, images, rounds, out, weight, **options)
        better = [one.run for one in done if one.against.difference.verdict == "better"]
        best = [api.find_run(run), *better][-1].folder
        if as_json:
            values = {"rounds": [one.as_dict() for one in done], "best": str(best)}
            print(json.dumps(values, ensure_ascii=False))
        else:
            show_rounds(done)
            print(f"to use: {best}")
        tell_unreadable(done[0].made.unreadable)  # the same photos in each round
        return
    if from_csv:
        given = flags_given(ctx, UNUSED_OPTIONS)
        if given:
            raise RecycleError("--from-csv takes a submission's labels whole", f"leave out {', '.join(given)}")
        file, made = api.pseudo_label_csv(run, images, from_csv, out, data, force)
    else:
        file, made = api.pseudo_label([run, *(others or [])], images, out, **options)
    if as_json:
        print(json.dumps(made.as_dict() | {"file": str(file)}, ensure_ascii=False))
    else:
        print_pseudo_labels(made)
        print(f"{counted(len(made.document['images']), 'photo')}: {file}")
        entry = shlex.quote(f"{file}@{root_of(images, data)}:{weight:g}")
        own = shlex.quote(str(api.recipe_of(run).data.root))
        words = f"--train-json TRAIN.json --train-json {entry} --val-json VAL.json"
        print(f"train with it, beside true labels: recycle train --data {own} {words}", file=sys.stderr)
    tell_unreadable(made.unreadable)


def show_rounds(done: Sequence[Round]) -> None:
    """Each student against its teacher."""
    for number, one in enumerate(done, start=1):
        found = one.against.difference
        print(f"round {number}: {one.run.folder}, {one.against.score:.4f}; its teacher {one.against.base:.4f}")
        print(f"  {found.value:+.4f} ({found.low:+.4f} to {found.high:+.4f}): {found.verdict}")


def print_pseudo_labels(made: PseudoLabels) -> None:
    """What was needed and what was kept of each class."""
    from rich.markup import escape
    from rich.table import Table

    from recyclecli.console import Console

    table = Table(title="predicted pixels that became labels", title_justify="left")
    table.add_column("class", overflow="fold")
    for title in ("threshold", "kept"):
        table.add_column(title, justify="right")
    for name, limit in made.thresholds.items():
        kept = made.kept.get(name)
        table.add_row(escape(name), f"{limit:.3f}", "none predicted" if kept is None else f"{kept:.1%}")
    Console(highlight=False).print(table)
    if made.rejected:
        print(f"{counted(len(made.rejected), 'photo')} left out: too little of it is sure", file=sys.stderr)
