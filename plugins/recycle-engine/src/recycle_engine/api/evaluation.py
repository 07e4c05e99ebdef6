"""The judge as functions: score, compare, choose tricks."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from recycle_coco.once import warn_once
from recycle_data.api import Place, groups, path_of, registry
from recycle_data.progress import busy
from recycle_data.workspace import in_workspace

from recycle_engine.api.copies import say_alike, say_copies
from recycle_engine.api.judged import judged_photos, refuse_trained_on, say_trained_on
from recycle_engine.api.runs import find_run, pipeline, recipe_of
from recycle_engine.judge.compare import MIN_EFFECT
from recyclecli.errors import RecycleError, counted, join_limited, suggest
from recyclecli.locks import held

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from recycle_engine.evaluation.ablate import Ablation
    from recycle_engine.evaluation.evaluate import Watch
    from recycle_engine.judge.compare import Comparison
    from recycle_engine.judge.per_image_counts import PerImageCounts
    from recycle_engine.judge.scores import Evaluation, Metric
    from recycle_engine.pipeline import Pipeline
    from recycle_engine.runs import Run
    from recyclecli.types import Source

log = logging.getLogger("recycle.engine")


@in_workspace
def evaluate(
    run: Run | Place,
    source: Source | None = None,
    pipeline: Pipeline | None = None,
    group_by: str | None = None,
    watch: Watch | None = None,
    keep: bool = False,
) -> Evaluation:
    """Score a run.

    Args:
        run: the run.
        source: labelled photos; its own validation split when left out.
        pipeline: the run's own when left out; post-processors without options have its recipe's.
        group_by: resample related photos together.
        watch: called for each photo.
        keep: store the scores in the run, for `list_runs`: where `source` is its own validation split, and `pipeline`
            is left out.

    Raises:
        RecycleError: the run has trained on some of the photos.
    """
    with busy("loading torch"):
        from recycle_engine.evaluation.evaluate import evaluate as engine
    from recycle_engine.history.outcome import keep_scores, weights_now
    from recycle_engine.pipeline import pipeline_of, with_recipes_options

    found = find_run(run)
    recipe = recipe_of(found)
    chosen = with_recipes_options(pipeline, recipe) if pipeline else None
    source = _given(_fair([found], source))
    own, weights = groups(source, group_by), weights_now(found)
    result = engine(registry(), found, recipe, source, watch, chosen, own)
    if keep and chosen is None:
        keep_scores(found, result, str(pipeline_of(registry(), found, recipe)), weights)
    return result


def evaluate_masks(folder: Place, source: Source, group_by: str | None = None) -> Evaluation:
    """Score the masks that `predict` wrote into `folder`; no torch, no model."""
    from recycle_engine.judge.scores import evaluation

    return evaluation(_stored(path_of(folder), source, True), groups(source, group_by))


def evaluate_arrays(
    photos: Iterable[tuple[str, NDArray[np.uint8], NDArray[np.uint8]]],
    class_names: Sequence[str],
    groups: Sequence[int] | None = None,
) -> Evaluation:
    """Score labels in memory; needs no torch and no files.

    Args:
        photos: name, predicted (H, W) labels, true (H, W) labels with 255 = ignore, photo by photo.
        class_names: K names by label.
        groups: a number for each photo; photos with one number are resampled together.
    """
    from recycle_engine.judge.per_image_counts import PerImageCounts
    from recycle_engine.judge.scores import evaluation

    ledger = PerImageCounts(tuple(class_names))
    for name, predicted, truth in photos:
        ledger.add(name, predicted, truth)
    return evaluation(ledger, groups)


def evaluate_submission(file: Place, source: Source, group_by: str | None = None) -> Evaluation:
    """Score a submission's 256x256 labels; no torch, no model."""
    from recycle_engine.judge.scores import evaluation

    return evaluation(_stored(path_of(file), source, False), groups(source, group_by), reduced=True)


def _stored(place: Path, source: Source, masks: bool) -> PerImageCounts:
    """Count a folder of masks, else a submission."""
    from recycle_engine.judge.saved_predictions import count_masks, count_submission

    ledger, extra = (count_masks(place, source), list[str]()) if masks else count_submission(place, source)
    if extra:
        log.warning(f"note: {counted(len(extra), 'row')} of {place} without a truth here: {join_limited(extra, 3)}")
    say_trained_on(place, source)
    return ledger


def run_of(result: Run | Place) -> Run | None:
    """The run that a result comes from, see `count`; None for masks and submissions."""
    from recycle_engine.runs import RUNS, Run, is_run

    if isinstance(result, Run):
        return result
    place = path_of(result)
    masks = place.is_dir() and not is_run(place)
    if masks and str(result) == place.name and is_run(RUNS / place):
        warn_once(log, f"note: {place} is taken for the run {RUNS / place}; ./{place} is the folder here")
        return find_run(RUNS / place)
    if masks or place.suffix.lower() == ".csv":
        return None
    return find_run(parted(place)[0])


def parted(model: Place) -> tuple[Path, list[str]]:
    """The run's place and the tricks of `RUN+TRICK+TRICK`; see `pipeline_named`."""
    place = path_of(model)
    name, *tricks = place.name.split("+")
    return (place.with_name(name) if name else place), tricks


def count(result: Run | Place, source: Source) -> PerImageCounts:
    """Count a result against labels: a run, `RUN+hflip+densecrf`, a folder of masks, or a submission.csv.

    A run is used with its own pipeline, `RUN+plain` without any, `RUN+TRICK+TRICK` with these.
    """
    with busy("loading torch"):
        from recycle_engine.evaluation.evaluate import count as engine

    run = run_of(result)
    if run is None:
        place = path_of(str(result))
        return _stored(place, source, place.is_dir())
    tricks = parted(result)[1] if isinstance(result, (str, Path)) else []
    recipe, chosen = recipe_of(run), pipeline_named(run, tricks)
    (ledger,) = engine(registry(), run, recipe, source, [chosen])
    return ledger


def pipeline_named(run: Run, tricks: Sequence[str]) -> Pipeline:
    """The pipeline of tricks by their names, as `ablate` calls them; without any, the run's own."""
    from recycle_engine.pipeline import VIEWS, WINDOWS, WITHOUT_AVERAGE, pipeline_of, with_recipes_options

    if not tricks:
        return pipeline_of(registry(), run, recipe_of(run))
    posts = [offer.component.name for offer in registry().offers("postprocessor")]
    valid = [*VIEWS, *WINDOWS, *posts, WITHOUT_AVERAGE, "plain"]
    for trick in tricks:
        if trick.partition("@")[0] not in valid:
            raise RecycleError(f"no trick is called {trick!r}", suggest(trick, valid))
    views = [trick for trick in tricks if trick in VIEWS]
    post = [trick for trick in tricks if trick.partition("@")[0] in posts]
    window = max((WINDOWS.get(trick, 0) for trick in tricks), default=0)
    return with_recipes_options(pipeline(views, post, WITHOUT_AVERAGE in tricks, window), recipe_of(run))


@in_workspace
def compare(
    results: Sequence[Run | Place] | Mapping[str, Run | Place | PerImageCounts],
    source: Source | None = None,
    metric: Metric | None = None,
    min_effect: float = MIN_EFFECT,
    group_by: str | None = None,
) -> list[Comparison]:
    """Compare each further result with the first, paired by photo.

    Args:
        results: at least two, as `count` takes them; or names with results or with what `count` gave.
        source: labelled photos; the first run's validation split when left out.
        metric: `miou_dataset`; `miou_256` where a submission is among them.
        min_effect: the smallest difference that matters.
        group_by: resample related photos together.

    Raises:
        RecycleError: a run among the results has trained on some of the photos.
    """
    from recycle_engine.judge.compare import compare as judge
    from recycle_engine.judge.per_image_counts import PerImageCounts

    named = results if isinstance(results, Mapping) else {str(getattr(one, "folder", one)): one for one in results}
    if len(named) < len(results):
        raise RecycleError("a result is named twice", "name each once")
    if len(named) < 2:
        raise RecycleError("one result alone cannot be compared", "name two or more")
    reduced = [str(one) for one in named.values() if str(one).lower().endswith(".csv")]
    if reduced and metric not in (None, "miou_256"):
        raise RecycleError(f"{reduced[0]} holds 256x256 labels, so {metric} is unknown", "use miou_256")
    source = _fair(named.values(), source)
    runs = {name: run_of(one) for name, one in named.items() if not isinstance(one, PerImageCounts)}
    copies = say_copies(runs.values())
    found = {
        name: one if isinstance(one, PerImageCounts) else count(one, _given(source)) for name, one in named.items()
    }
    say_alike({name: one for name, one in found.items() if runs.get(name) not in copies})
    chosen = metric or ("miou_256" if reduced else "miou_dataset")
    own = None if group_by is None else groups(_given(source), group_by)
    base, *others = found
    return judge(found[base], {name: found[name] for name in others}, chosen, min_effect, own)


def _fair(results: Iterable[Run | Place | PerImageCounts], source: Source | None) -> Source | None:
    """The photos to judge on, by default those of the first run; RecycleError where a run has trained on some."""
    from recycle_engine.judge.per_image_counts import PerImageCounts

    found = (run_of(one) for one in results if not isinstance(one, PerImageCounts))
    runs = list(dict.fromkeys(run for run in found if run))
    if source is None and runs:
        source = judged_photos(runs.pop(0))[0]
    for run in runs:
        refuse_trained_on(run, _given(source))
    return source


def _given(source: Source | None) -> Source:
    if source is None:
        raise RecycleError("the labelled photos are not named", "give `source`, see open_data")
    if isinstance(source, str | Path):
        raise RecycleError(f"{source} is a folder, not opened yet", f"give api.open_data({str(source)!r})")
    return source


def compare_arms(
    base: Sequence[Run | Place | PerImageCounts],
    other: Sequence[Run | Place | PerImageCounts],
    source: Source | None = None,
    metric: Metric = "miou_dataset",
    min_effect: float = MIN_EFFECT,
) -> Comparison:
    """Compare two recipes by their runs with several seeds, or by what `count` returned.

    With fewer than three on a side the answer is 'not enough data'. Photos are those of `source`, else the
    first run's validation split.

    Raises:
        RecycleError: a run has trained on some of the photos.
    """
    from recycle_engine.judge.compare import compare as judge
    from recycle_engine.judge.per_image_counts import PerImageCounts

    source = _fair((*base, *other), source)
    say_copies(run_of(one) for one in (*base, *other) if not isinstance(one, PerImageCounts))
    first, second = (
        [one if isinstance(one, PerImageCounts) else count(one, _given(source)) for one in arm] for arm in (base, other)
    )
    return judge(first, {"other": second}, metric, min_effect)[0]


@in_workspace
def ablate(
    run: Run | Place,
    source: Source | None = None,
    metric: Metric = "miou_dataset",
    min_effect: float = MIN_EFFECT,
    group_by: str | None = None,
    only: Sequence[str] = (),
    retrained: bool = True,
    force: bool = False,
    how: str = "photos of the caller's",
    search: Sequence[str] = (),
) -> Ablation:
    """Keep or drop each trick, and write the chosen pipeline into the run, where `predict` finds it.

    Args:
        run: the run.
        source: labelled photos it has not trained on; its own validation split when left out.
        metric: the score that decides.
        min_effect: the smallest gain that matters.
        group_by: resample related photos together.
        only: names of the tricks to try.
        retrained: also compare the runs beside this one that differ in a setting.
        force: replace an earlier choice.
        how: a description of `source`.
        search: post-processors whose options are searched for, too.

    Raises:
        RecycleError: the run has trained on some of the photos; there is an earlier choice; or an unknown trick.
    """
    from recycle_data.owned import Owned

    with busy("loading torch"):
        from recycle_engine.evaluation.ablate import ablate as engine

    found = find_run(run)
    with held(found.folder):  # what is chosen fits the weights that it was chosen with
        Owned(found.folder).refuse_overwrite([found.pipeline], force)
        if source is None:
            source, how = judged_photos(found)
        else:
            refuse_trained_on(found, source)
        own = groups(source, group_by)
        return engine(
            registry(), found, recipe_of(found), source, how, metric, min_effect, own, only, retrained, search
        )
