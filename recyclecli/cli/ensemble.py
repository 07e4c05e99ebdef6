"""`recycle ensemble`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from recyclecli.cli.candidates import runs_with_tricks
from recyclecli.cli.groups import Running, Written, flat
from recyclecli.cli.options import Dataset, GroupBy, JsonPath, MetricName, metric_option

EXAMPLE = "Example: `recycle ensemble unet-001 fpn-001+hflip --images photos --out predicted --submission s.csv`"


@flat
def ensemble(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help="Runs, RUN+TRICK+TRICK, checkpoints within runs, or submissions (.csv).",
            autocompletion=runs_with_tricks,
        ),
    ],
    written: Written,
    running: Running,
    images: Annotated[
        Path | None, typer.Option("--images", help="Folder, pattern, COCO file, or one photo to predict.")
    ] = None,
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
    metric: MetricName = None,
    group_by: GroupBy = None,
    soup: Annotated[
        str | None, typer.Option("--soup", metavar="NAME", help="Average the weights instead: a new run of this name.")
    ] = None,
) -> None:
    """Predict with several models as one: mean of probabilities, votes, or the mean of their weights.

    Of labels with equally many votes, the one that the earliest model gave counts.
    """
    from recyclecli import api
    from recyclecli.errors import RecycleError

    shares = weight or []
    submissions = [model for model in models if model.lower().endswith(".csv")]
    if submissions:
        if len(submissions) < len(models) or written.submission is None or select or soup or images:
            raise RecycleError(
                "submissions are put to a vote among themselves",
                "name .csv files alone, and --submission OUT.csv",
            )
        count = api.vote_submissions(models, written.submission, shares, written.force)
        print(f"{count} photos: {written.submission}")
        return
    clash = [
        given
        for given in (("--images", images), ("--out", written.out), ("--submission", written.submission))
        if given[1]
    ]
    if soup is not None and clash:
        raise RecycleError(f"{clash[0][0]} beside --soup", "make the run first, then predict with it")
    if select and shares:
        raise RecycleError("--weight beside --select, which chooses the weights", "leave out one of the two")
    chosen: list[Any] = list(models)
    if select:
        source = None if labelled is None else api.open_data(labelled, json_path, dataset)
        found = api.select(models, source, metric_option(metric) or "miou_dataset", group_by)
        for one in found.members:
            print(f"picked {one.share:g} times: {one.weights}")
        print(f"{found.score:.4f} on the photos it was chosen on; cross-fitted {found.cross_fitted:.4f}")
        print(f"the best model alone, cross-fitted: {found.best_single:.4f}")
        chosen, shares = list(found.members), [one.share for one in found.members]
    if soup is not None:
        run = api.soup(chosen, soup, shares)
        print(f"{run.folder}: the mean of {len(chosen)} models; recycle eval {run.folder.name} scores it")
    elif images is not None:
        keywords = written.keywords | running.keywords
        written.tell(api.predict(chosen, images, vote=vote, shares=shares, **keywords))
    elif not select:
        raise RecycleError("nothing to do with these models", "name photos with --images, or --select, or --soup NAME")
    else:
        print("name photos with --images to predict with these", file=sys.stderr)
