"""`recycle ensemble`"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer
from recycle_data.workspace import in_workspace

from recycle_engine.cli.groups import InferenceArgs, OutputArgs, expand_groups, flags_given
from recycle_engine.cli.named_photos import NamesOption, predicted
from recycle_engine.cli.options import Models, Weights
from recyclecli.errors import RecycleError, counted

VOTING = ("models", "weight", "submission", "force", "as_json")  # what a vote of submissions takes, beside `hard`


@expand_groups
@in_workspace
def ensemble(
    ctx: typer.Context,
    models: Models,
    written: OutputArgs,
    running: InferenceArgs,
    images: Annotated[
        list[Path] | None, typer.Option("--images", help="Folder, pattern, COCO file, or photo to predict; repeatable.")
    ] = None,
    names: NamesOption = None,
    vote: Annotated[
        Literal["soft", "hard"], typer.Option("--vote", help="soft: mean of probabilities; hard: label of most.")
    ] = "soft",
    weight: Weights = None,
) -> None:
    """Predict with several models as one, by the mean of their probabilities or by votes; or vote with submissions.

    In a tie of votes, the label of the earliest model counts.
    """
    if any(model.lower().endswith(".csv") for model in models):
        others = [name for name in ctx.params if name not in VOTING and (name, vote) != ("vote", "hard")]
        if given := flags_given(ctx, others):
            cause = f"{', '.join(given)} would do nothing: submissions are put to a vote of labels"
            raise RecycleError(cause, f"leave out {', '.join(given)}")
        _vote(models, weight or [], written)
        return
    if not images and names is None:
        raise RecycleError(
            "nothing to predict is named",
            "name photos with --images; recycle select picks models by labelled photos, recycle soup averages weights",
        )
    options = {"vote": vote, "weights": weight or [], **written.keywords, **running.keywords}
    written.tell(predicted(list(models), images, names, options))


def _vote(files: Sequence[str], weights: Sequence[float], written: OutputArgs) -> None:
    """A vote of submissions."""
    from recycle_engine import api

    if written.submission is None or not all(file.lower().endswith(".csv") for file in files):
        raise RecycleError(
            "submissions are put to a vote among themselves", "name .csv files alone, and --submission OUT.csv"
        )
    count = api.vote_submissions(files, written.submission, weights, written.force)
    if written.as_json:
        print(json.dumps({"photos": count, "submission": str(written.submission)}, ensure_ascii=False))
    else:
        print(f"{counted(count, 'photo')}: {written.submission}")
