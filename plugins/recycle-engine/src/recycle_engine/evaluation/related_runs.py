"""What the runs beside a run say: of other settings, of other photos, and several of them at once."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Sequence
from itertools import chain
from typing import Any

from recycle_data.identity import identities
from recycle_data.splits import Split
from recycle_data.workspace import split_of

from recycle_engine.checkpoint import read_card
from recycle_engine.evaluation.ensembles import judge_ensembles, soups
from recycle_engine.evaluation.evaluate import count
from recycle_engine.judge.compare import compare
from recycle_engine.judge.gate import Candidate, judged
from recycle_engine.judge.per_image_counts import PerImageCounts
from recycle_engine.judge.scores import Metric
from recycle_engine.pipeline import Pipeline
from recycle_engine.runs import Run, runs_in
from recycle_engine.training_provenance import learned, photos_of_run, read_back
from recyclecli.errors import RecycleError
from recyclecli.plugins import Registry
from recyclecli.recipe import Recipe
from recyclecli.types import Source

log = logging.getLogger("recycle.engine")


def retrained(
    registry: Registry,
    run: Run,
    recipe: Recipe,
    source: Source,
    own: PerImageCounts,
    metric: Metric,
    min_effect: float,
    groups: Sequence[int] | None,
) -> tuple[list[Candidate], list[Candidate]]:
    """What other settings and other photos changed; what several runs or checkpoints do together.

    Runs that changed only the seed are judged as the mean of their probabilities, as a mean weighted by their
    scores, from three on as a hard vote, and as a soup if all of them began with the same weights (`--init-from`);
    all runs as a greedy selection of them; the run's own best checkpoints (`train.save_top_k`) as a soup. Soups of runs
    that began apart are no trick: their weights have no common meaning.

    Args:
        registry: the installed components.
        run: the run that is judged.
        recipe: its recipe.
        source: labelled photos that it has not trained on.
        own: what it says of them, bare.
        metric: the score that decides.
        min_effect: the smallest gain that matters.
        groups: a number for each photo; photos with one number are resampled together.
    """
    arms: dict[str, list[tuple[Run, PerImageCounts]]] = {"": [(run, own)]}
    for name, runs in sibling_arms(registry, run, recipe, source).items():
        for other, theirs in runs:
            try:
                (ledger,) = count(registry, other, theirs, source, [Pipeline()])
                arms.setdefault(name, []).append((other, ledger))
            except RecycleError as error:
                _leave_out(other, error)
    if sum(map(len, arms.values())) > 1:
        for name, counted in arms.items():
            log.info(f"{name or 'as this run'}: {', '.join(one.folder.name for one, _ in counted)}")
    base, *changed = ([ledger for _, ledger in arm] for arm in arms.values())
    found = (
        compare(base, dict(zip(list(arms)[1:], changed, strict=True)), metric, min_effect, groups, retrained=True)
        if changed
        else []
    )
    seeds, *others = ([other for other, _ in arm] for arm in arms.values())
    together = judge_ensembles(registry, seeds, list(chain(*others)), recipe, source, metric, groups)
    together |= soups(registry, run, seeds, recipe, source)
    joint = compare(own, together, metric, min_effect, groups) if together else []
    return [judged(one, min_effect) for one in found], [judged(one, min_effect) for one in joint]


def _leave_out(run: Run, error: RecycleError) -> None:
    log.warning(f"{run.folder.name} is left out: {error.args[0]}")


def sibling_arms(registry: Registry, run: Run, recipe: Recipe, source: Source) -> dict[str, list[tuple[Run, Recipe]]]:
    """The runs beside `run` that are judged on the same photos, by what they changed; `` is what only the seed changed.

    What they learned from may differ: made photos, pseudo-labels. Two runs of one seed are one: the
    second adds no chance. Runs without weights, that have trained on photos of `source`, that know other classes,
    or whose recipe, data or weights can no longer be read, are left out.
    """
    try:
        drawn, judged_on = _photos(split_of(recipe.data, recipe.seed))
    except RecycleError as error:
        log.warning(f"note: the runs beside it are not looked at: {error.args[0]}")
        return {"": []}
    own = _settings(recipe) | {"photos learned from": drawn}
    class_names = read_card(run.best)["class_names"]
    asked = identities(source)
    arms: dict[str, list[tuple[Run, Recipe]]] = {"": []}
    seeds: dict[str, set[int]] = {"": {recipe.seed}}
    for other in map(Run, runs_in(run.folder.parent)):
        if other.folder == run.folder or not other.best.is_file():
            continue
        try:
            settings, split = read_back(registry, other.recipe)
            seen = learned(photos_of_run(registry, other), source, asked).same
            if read_card(other.best)["class_names"] != class_names:
                raise RecycleError("it knows other classes, or in another order")
        except RecycleError as error:
            _leave_out(other, error)
            continue
        drawn, photos = _photos(split)
        if photos != judged_on or seen:
            continue
        theirs = _settings(settings) | {"photos learned from": drawn}
        changed = [key for key in sorted({*own, *theirs}) if own.get(key) != theirs.get(key)]
        name = ", ".join(f"{key}={theirs.get(key)}" for key in changed)
        if settings.seed not in seeds.setdefault(name, set()):
            seeds[name].add(settings.seed)
            arms.setdefault(name, []).append((other, settings))
    return arms


def _photos(split: Split) -> tuple[str, frozenset[str]]:
    """How many photos are learned from, with a mark of which and how often; the files that are judged on."""
    judged_on = frozenset(os.path.realpath(split.val.record(index).file) for index in range(len(split.val)))
    drawn = [(os.path.realpath(split.train.record(index).file), weight) for index, weight in enumerate(split.weights)]
    mark = hashlib.sha256(json.dumps(sorted(drawn)).encode()).hexdigest()[:6]
    return f"{len(drawn)} ({mark})", judged_on


def _settings(recipe: Recipe) -> dict[str, str]:
    """Every setting that retraining would change, flat, as text."""
    train = {f"train.{key}": value for key, value in recipe.train.model_dump(mode="json").items()}
    tree = recipe.model_dump(mode="json", include={"model", "loss", "aug"}, exclude_none=True)
    model = {f"model.{key}": value for key, value in tree["model"].items()}
    parts = {key: [in_short(part) for part in tree[key]] for key in ("loss", "aug")}
    values: dict[str, Any] = {"data.size": recipe.data.size, **model, **parts, **train}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def in_short(part: dict[str, Any]) -> str:
    """A component with its options on one line."""
    options = " ".join(f"{key}={value}" for key, value in part.items() if key != "name")
    return f"{part['name']} {options}".strip()
