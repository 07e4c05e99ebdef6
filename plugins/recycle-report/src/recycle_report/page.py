"""A run's report: gathered, drawn, and written as one HTML file."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from recycle_data.check import CATALOGUE, FaultKind, check_contents
from recycle_data.check.source import content_of
from recycle_data.folds import class_counts
from recycle_data.owned import Owned
from recycle_data.pages.render import render, script
from recycle_data.progress import busy
from recycle_data.shown_paths import absolute_paths, shown_path, shown_text
from recycle_data.splits import Split
from recycle_engine.checkpoint import read_card
from recycle_engine.evaluation.evaluate import evaluate
from recycle_engine.history.metrics import read_metrics
from recycle_engine.history.outcome import keep_scores, weights_now
from recycle_engine.judge.scores import Evaluation
from recycle_engine.pipeline import pipeline_of, read_choice
from recycle_engine.runs import Run
from ruamel.yaml import YAML

from recycle_report import figures
from recycle_report.gallery import Gallery
from recycle_report.line_metrics import costs, fractions
from recycle_report.run_files import read_environment
from recycle_report.summary import what_came_of_it, what_was_done
from recyclecli.plugins import Registry
from recyclecli.private import map_texts, without_passwords
from recyclecli.recipe import Recipe

FINDINGS_PER_KIND = 3  # findings named of each kind


@dataclass(frozen=True, slots=True)
class FaultSummary:
    """Faults of one code in the labels: how many, and the first few in words."""

    code: str
    fault: FaultKind
    count: int
    examples: tuple[str, ...]


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
    if file is None:
        Owned(run.folder).refuse_foreign([run.report], "move it away, or name another place with --out")
    rows = read_metrics(run)
    card = read_card(run.best)
    epoch = card.get("epoch")
    colors, best = card["palette"], (len(rows) if epoch is None else epoch + 1)
    names = split.val.class_names
    gallery = Gallery(names, colors)
    pipeline, weights = pipeline_of(registry, run, recipe), weights_now(run)
    result = evaluate(registry, run, recipe, split.val, gallery, pipeline)
    keep_scores(run, result, str(pipeline), weights)
    choice = read_choice(run) if run.pipeline.exists() else None
    code, policy = script("report.js", "recycle_report")
    found = findings(split)
    values = map_texts(recipe.model_dump(mode="json", by_alias=True), without_passwords)
    private = partial(shown_text, base=run.folder, places=absolute_paths(values))
    described = StringIO()
    YAML().dump(map_texts(values, private), described)
    with busy("drawing the report"):
        page = render(
            "report.html.j2",
            "recycle_report",
            script=code,
            script_policy=Markup(policy),
            name=run.folder.name,
            done=[*map(private, what_was_done(recipe, split))],
            outcome=[*map(private, what_came_of_it(result, best, rows, str(pipeline), choice))],
            result=result,
            legend=[(label, f"#{bytes(color).hex()}") for label, color in zip(names, colors, strict=True)],
            curves=[Markup(curve) for curve in figures.curves(rows, best)],
            bars=Markup(figures.class_bars(result.classes, colors)),
            confusion=Markup(figures.confusion_matrix(np.array(result.confusion), names)),
            calibration=Markup(figures.reliability(result.reliability)) if result.reliability else None,
            boundary=Markup(figures.boundary_gaps(result.classes, colors)),
            fractions=fractions(result),
            costs=costs(result),
            best=gallery.best(),
            worst=gallery.worst(),
            data=data_rows(split),
            sides=(len(split.train), len(split.val)),
            findings=found and [replace(one, examples=tuple(map(private, one.examples))) for one in found],
            dataset=split.data.dataset.bare,
            pipeline=private(str(pipeline)),
            choice=map_texts(choice, private),
            environment=read_environment(run),
            fingerprint=split.data.fingerprint,
            commands=commands(run),
            recipe=described.getvalue(),
        )
    file = file or run.report
    owned = Owned(file.parent)
    owned.write_text(file, page)
    owned.finish()
    return file, result


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


def findings(split: Split) -> list[FaultSummary] | None:
    """What `recycle data check` says of the labels that the run used, by severity; the photos are not read again.

    None where the labels are pixels, not objects, of which nothing is known before they are read.
    """
    contents = {"train": content_of(split.train), "val": content_of(split.val)}
    if not any(content["annotations"] for content in contents.values()):
        return None
    found = check_contents(split.data.root, contents, {name: name for name in contents}, labels_only=True)
    counts = Counter(finding.code for finding in found)
    ordered = sorted(counts, key=lambda code: ("error", "warning", "note").index(CATALOGUE[code].severity))
    return [
        FaultSummary(
            code,
            CATALOGUE[code],
            counts[code],
            tuple(f"{one.file}, {one.where}: {one.detail}" for one in found if one.code == code)[:FINDINGS_PER_KIND],
        )
        for code in ordered
    ]


def commands(run: Run) -> list[str]:
    """How to repeat the run, judge it again and use it."""
    shown = shown_path(run.folder, Path())
    folder = "~/" + shlex.quote(shown[2:]) if shown.startswith("~/") else shlex.quote(shown)
    return [
        f"recycle train --recipe {folder}/{run.recipe.name}",
        f"recycle eval {folder}",
        f"recycle ablate {folder}",
        f"recycle predict {folder} PHOTOS --out DIR --submission submission.csv",
        f"recycle serve {folder}",
        f"recycle report {folder}",
    ]
