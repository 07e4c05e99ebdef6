"""`recycle ensemble`"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from recycle_data.cli.options import Dataset, DatasetOption, GroupBy, JsonPath, dataset_settings
from recycle_data.workspace import in_workspace

from recycle_engine.cli.candidates import runs_with_tricks
from recycle_engine.cli.groups import InferenceArgs, OutputArgs, expand_groups, flags_given
from recycle_engine.cli.named_photos import Names, predicted
from recycle_engine.cli.options import MetricName, metric_option
from recyclecli.errors import counted

SELECTING = ("labelled", "dataset", "json_path", "option", "metric", "group_by")  # what only --select looks at
PREDICTING = (
    "images",
    "names",
    "out",
    "save",
    "submission",
    "data",
    "force",
    *(field.name for field in fields(InferenceArgs)),
)
VOTING = ("models", "weight", "submission", "force", "as_json")  # what a vote of submissions takes, beside `hard`


@expand_groups
@in_workspace
def ensemble(
    ctx: typer.Context,
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help="Runs, RUN+TRICK+TRICK, checkpoints within runs, or submissions (.csv).",
            autocompletion=runs_with_tricks,
        ),
    ],
    written: OutputArgs,
    running: InferenceArgs,
    images: Annotated[
        list[Path] | None, typer.Option("--images", help="Folder, pattern, COCO file, or photo to predict; repeatable.")
    ] = None,
    names: Names = None,
    vote: Annotated[
        Literal["soft", "hard"], typer.Option("--vote", help="soft: mean of probabilities; hard: label of most.")
    ] = "soft",
    weight: Annotated[
        list[float] | None, typer.Option("--weight", help="Of each model, in their order; repeatable.")
    ] = None,
    select: Annotated[
        bool, typer.Option("--select", help="Pick those models whose mean scores best on labelled photos.")
    ] = False,
    labelled: Annotated[
        Path | None, typer.Option("--labelled", help="Those photos.  [default: the first run's validation split]")
    ] = None,
    dataset: Dataset = "coco",
    json_path: JsonPath = None,
    option: DatasetOption = None,
    metric: MetricName = None,
    group_by: GroupBy = None,
    soup: Annotated[
        str | None, typer.Option("--soup", metavar="NAME", help="Average the weights instead: a new run of this name.")
    ] = None,
) -> None:
    """Predict with several models as one: mean of probabilities, votes, or the mean of their weights.

    Of labels with equally many votes, the one that the earliest model gave counts.
    """
    from recycle_engine import api
    from recyclecli.errors import RecycleError

    shares = weight or []
    submissions = [model for model in models if model.lower().endswith(".csv")]
    if submissions:
        if len(submissions) < len(models) or written.submission is None:
            raise RecycleError(
                "submissions are put to a vote among themselves",
                "name .csv files alone, and --submission OUT.csv",
            )
        others = [name for name in ctx.params if name not in VOTING and (name, vote) != ("vote", "hard")]
        _refuse(ctx, others, "submissions are put to a vote of labels")
        count = api.vote_submissions(models, written.submission, shares, written.force)
        said: dict[str, Any] = {"photos": count, "submission": str(written.submission)}
        print(
            json.dumps(said, ensure_ascii=False)
            if written.as_json
            else f"{counted(count, 'photo')}: {written.submission}"
        )
        return
    if soup is not None:
        _refuse(ctx, ("vote", *PREDICTING), "--soup makes a run, to predict with afterwards")
    elif not images and names is None:
        if not select:
            raise RecycleError(
                "nothing to do with these models", "name photos with --images, or --select, or --soup NAME"
            )
        _refuse(ctx, PREDICTING, "no photos are named with --images")
    if select:
        _refuse(ctx, ("weight", *(["vote"] if vote == "hard" else [])), "--select chooses the weights of a mean")
        if labelled is None:
            _refuse(ctx, ("dataset", "json_path", "option"), "no photos are named with --labelled")
    else:
        _refuse(ctx, SELECTING, "nothing is chosen, as with --select")
    chosen: list[Any] = list(models)
    said = {}
    if select:
        source = None if labelled is None else api.open_data(labelled, json_path, dataset, dataset_settings(option))
        found = api.select(models, source, metric_option(metric) or "miou_dataset", group_by)
        chosen, shares = list(found.members), [one.share for one in found.members]
        said = found.as_dict()
        if not written.as_json:
            for one in found.members:
                print(f"picked {one.share:g} times: {one.weights}")
            print(f"{found.score:.4f} on the photos it was chosen on; cross-fitted {found.cross_fitted:.4f}")
            print(f"the best model alone, cross-fitted: {found.best_single:.4f}")
    if images or names is not None:
        options = {"vote": vote, "shares": shares, **written.keywords, **running.keywords}
        written.tell(predicted(chosen, images, names, options), said)
        return
    if soup is not None:
        run = api.soup(chosen, soup, shares)
        said |= {"run": str(run.folder), "models": len(chosen)}
    if written.as_json:
        print(json.dumps(said, ensure_ascii=False))
    elif soup is not None:
        print(f"{run.folder}: the mean of {len(chosen)} models; recycle eval {shlex.quote(run.folder.name)} scores it")
    else:
        print("name photos with --images to predict with these", file=sys.stderr)


def _refuse(ctx: typer.Context, names: Sequence[str], because: str) -> None:
    """Raise RecycleError where flags of the parameters `names` are given, which would do nothing."""
    from recyclecli.errors import RecycleError

    if given := flags_given(ctx, names):
        raise RecycleError(f"{', '.join(given)} would do nothing: {because}", f"leave out {', '.join(given)}")
