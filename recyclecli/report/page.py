"""A run's report: gathered, drawn, and written as one HTML file."""

from __future__ import annotations

import csv
import shlex
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from recyclecli import __version__
from recyclecli.data.folds import class_counts
from recyclecli.data.splits import Split
from recyclecli.engine.checkpoint import read_card
from recyclecli.engine.evaluate import evaluate
from recyclecli.engine.runs import Run
from recyclecli.errors import RecycleError
from recyclecli.files import write_text
from recyclecli.judge.scores import Evaluation
from recyclecli.plugins import Registry
from recyclecli.recipe import Recipe
from recyclecli.report import figures
from recyclecli.report.gallery import Gallery


def write_report(
    registry: Registry, run: Run, recipe: Recipe, split: Split, file: Path | None = None
) -> tuple[Path, Evaluation]:
    """Judge the run on its validation photos and write the report.

    Args:
        registry: the installed components.
        run: a run with at least one whole epoch.
        recipe: its recipe.
        split: its split.
        file: where to; report.html in the run's folder when left out.

    Returns:
        The file, and the scores that it shows.

    Raises:
        RecycleError: the run has no weights or no metrics yet.
    """
    if not run.metrics.is_file():
        raise RecycleError(f"{run.folder} has no metrics yet", "train, or resume it")
    table = csv.DictReader(run.metrics.read_text(encoding="utf-8").splitlines())
    rows = [row for row in table if None not in row.values()]  # the last may be torn by a full disk
    colors = read_card(run.best)["palette"]
    gallery = Gallery(colors)
    result = evaluate(registry, run, recipe, split.val, gallery)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files("recyclecli.report").joinpath("report.html.j2").read_text("utf-8"))
    page = template.render(
        version=__version__,
        name=run.folder.name,
        words=in_words(recipe, split),
        result=result,
        epochs=len(rows),
        took=str(timedelta(seconds=round(sum(float(row["seconds"]) for row in rows)))),
        legend=[(name, f"#{bytes(color).hex()}") for name, color in zip(split.val.class_names, colors, strict=True)],
        curves=[Markup(curve) for curve in figures.curves(rows)],
        bars=Markup(figures.class_bars(result.iou, colors)),
        confusion=Markup(figures.confusion_matrix(np.array(result.confusion), split.val.class_names)),
        best=gallery.best(),
        worst=gallery.worst(),
        data=data_rows(split),
        sides=(len(split.train), len(split.val)),
        commands=commands(run),
        recipe=run.recipe.read_text(encoding="utf-8"),
    )
    file = file or run.folder / "report.html"
    write_text(file, page)
    return file, result


def in_words(recipe: Recipe, split: Split) -> list[str]:
    """What was done, as sentences."""
    train = recipe.train
    encoder = recipe.model.options.get("encoder")
    losses = " + ".join(f"{part.weight:g} x {part.name}" if len(recipe.loss) > 1 else part.name for part in recipe.loss)
    augs = ", then ".join(part.name for part in recipe.aug) or "none"
    posts = ", then ".join(part.name for part in recipe.post) or "none"
    return [
        f"A {recipe.model.name} model" + (f" with encoder {encoder}" if encoder else "") + " learned to tell "
        f"{len(split.train.class_names)} classes apart from {len(split.train)} photos of {recipe.data.root}.",
        f"It is judged on {len(split.val)} photos that it has not seen: {split.how}.",
        f"Photos were fitted into {recipe.data.size} x {recipe.data.size} pixels"
        + (" and zoomed by {:g} to {:g}".format(*recipe.data.scale) if recipe.data.scale else "")
        + f"; augmentations: {augs}.",
        f"Loss {losses}; {train.optimizer} with a peak rate of {train.lr:g}, {train.schedule} schedule, "
        f"{train.epochs} epochs of batches of {train.batch_size}, seed {recipe.seed}.",
        f"Post-processing: {posts}."
        + (f" The weights are a moving average with decay {train.ema:g}." if train.ema else "")
        + (f" The weights are the mean of the last {train.swa:.0%} of the epochs." if train.swa else ""),
    ]


def data_rows(split: Split) -> list[dict[str, Any]]:
    """Photos and objects of each class on both sides; None where a source knows its objects only when drawn."""
    sides = [class_counts(split.train), class_counts(split.val)]
    known = any(counts.any() for counts in sides)
    return [
        {
            "name": name,
            "photos": [int((counts[:, label] > 0).sum()) for counts in sides] if known else [None, None],
            "objects": [int(counts[:, label].sum()) for counts in sides] if known else [None, None],
        }
        for label, name in enumerate(split.train.class_names)
        if label or any(counts[:, 0].any() for counts in sides)
    ]


def commands(run: Run) -> list[str]:
    """How to repeat the run, judge it again and use it."""
    folder = shlex.quote(str(run.folder))
    return [
        f"recycle train --recipe {folder}/recipe.yaml",
        f"recycle eval {folder}",
        f"recycle predict {folder} PHOTOS --out DIR --submission submission.csv",
        f"recycle report {folder}",
    ]
