"""Prediction as functions: one run, or several as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recycle_data.api import Place, groups, path_of, registry
from recycle_data.progress import busy
from recycle_data.replaced import never_read
from recycle_data.workspace import in_workspace

from recycle_engine.api.evaluation import parted, pipeline_named
from recycle_engine.api.judged import judged_photos, refuse_trained_on
from recycle_engine.api.runs import find_run, recipe_of
from recyclecli.errors import RecycleError, counted, join_limited

if TYPE_CHECKING:
    from recycle_engine.evaluation.select import Selection
    from recycle_engine.inference.auto_precision import AskedPrecision
    from recycle_engine.inference.job import Job, Unreadable
    from recycle_engine.inference.members import Member, Vote
    from recycle_engine.inference.photos import InputPhoto
    from recycle_engine.inference.predict import Predicted
    from recycle_engine.judge.per_image_counts import PerImageCounts
    from recycle_engine.judge.scores import Metric
    from recycle_engine.pipeline import Pipeline
    from recycle_engine.runs import Run
    from recyclecli.types import Source


def member(model: Run | Place, pipeline: Pipeline | None = None, share: float = 1.0) -> Member:
    """A model by its run, by `RUN+TRICK+TRICK`, or by a .safetensors checkpoint within a run.

    Args:
        model: `RUN` is used with its own pipeline, `RUN+plain` without any.
        pipeline: in place of the run's own; post-processors without options have its recipe's.
        share: its weight among others.

    Raises:
        RecycleError: no such run or trick, tricks beside a pipeline, a checkpoint that lies in no run, or one
            that cannot be used.
    """
    from recycle_engine.checkpoint import read_card
    from recycle_engine.inference.members import Member
    from recycle_engine.pipeline import with_recipes_options
    from recycle_engine.runs import Run

    weights: Path | None = None
    tricks: list[str] = []
    if isinstance(model, Run):
        run = model
    elif str(model).endswith(".safetensors"):
        weights = path_of(model)
        run = _run_of(weights)
        if not weights.is_file():
            raise RecycleError(
                f"{weights} does not exist", f"there are {join_limited(sorted(run.checkpoints.rglob('*.safe*')), 9)}"
            )
    else:
        place, tricks = parted(model)
        run = find_run(place)
    if pipeline and tricks:
        raise RecycleError(
            f"{model} names tricks, and others are asked for beside it",
            "name all as RUN+TRICK, or none: leave out --tta, --post, --sliding-window and --plain",
        )
    chosen = with_recipes_options(pipeline, recipe_of(run)) if pipeline else pipeline_named(run, tricks)
    weights = weights or (run.raw if chosen.weights == "raw" else run.best)
    read_card(weights)  # its faults are told before anything is begun
    return Member(weights, chosen, share)


def members_of(
    models: Sequence[Run | Place | Member], weights: Sequence[float] = (), pipeline: Pipeline | None = None
) -> tuple[Member, ...]:
    """Several models by what `member` takes, with their weights.

    Raises:
        RecycleError: no model; not as many weights as models, or one that is not above 0.
    """
    from recycle_engine.inference.members import Member

    if not models:
        raise RecycleError("no model is named", "name a run, or several")
    pairs = zip(models, _checked(weights, len(models)), strict=True)
    found = tuple(model if isinstance(model, Member) else member(model, pipeline, share) for model, share in pairs)
    _checked([one.share for one in found], len(models))
    return found


def run_by_engine(
    run: Run | Place | Sequence[Run | Place | Member],
    weights: Sequence[float],
    pipeline: Pipeline | None,
    engine: str,
    precision: AskedPrecision,
) -> tuple[Member, ...]:
    """`members_of` one model or several, each with what runs it; see `recycle_engine.inference.engines.engine_of`."""
    from recycle_engine.inference.engines import engine_of

    models = [run] if isinstance(run, (str, Path)) or not isinstance(run, Sequence) else list(run)
    installed = registry()
    return tuple(
        replace(one, engine=engine_of(installed, one.weights, one.pipeline.views, engine, precision))
        for one in members_of(models, weights, pipeline)
    )


def _checked(weights: Sequence[float], count: int) -> Sequence[float]:
    """Weights of so many models or files; 1 each when left out."""
    if weights and len(weights) != count:
        raise RecycleError(
            f"{counted(len(weights), 'weight')} for {counted(count, 'model')}", "give one for each, in the same order"
        )
    if not all(0 < share < float("inf") for share in weights):
        raise RecycleError(f"weights {', '.join(f'{share:g}' for share in weights)}", "give weights above 0")
    return weights or [1.0] * count


def _run_of(weights: Path) -> Run:
    """The run that a checkpoint lies in."""
    from recycle_engine.runs import run_around

    if (run := run_around(weights)) is None:
        raise RecycleError(f"{weights} is no checkpoint in a run's folder", "name a run, or a file below one")
    return run


def predict(
    run: Run | Place | Sequence[Run | Place | Member],
    images: Place | Sequence[Place],
    out: Place | None = None,
    data: Place | None = None,
    pipeline: Pipeline | None = None,
    submission: Place | None = None,
    force: bool = False,
    outputs: Sequence[str] = ("masks", "overlays"),
    vote: Vote = "soft",
    weights: Sequence[float] = (),
    devices: str | None = None,
    precision: AskedPrecision = "32",
    batch_size: int | None = None,
    unreadable: Unreadable = "skip",
    engine: str = "torch",
) -> Predicted:
    """Predict photos with one model, or with several as one; see `recycle_engine.inference.predict.predict`.

    Args:
        run: see `member`; a list of several is an ensemble.
        images: a folder of photos, a pattern, a COCO file or one photo; or several folders, patterns and photos.
        out: folder of the outputs.
        data: the folder that a COCO file's names are relative to.
        pipeline: the models' own when left out.
        submission: the contest's CSV.
        force: start again, and replace files that exist.
        outputs: what is written into `out`: masks, overlays, gray, coco, probabilities, confidence.
        vote: of several models: `soft`, the mean of their probabilities, or `hard`, the label of most.
        weights: of several models, their weights.
        devices: how many, or torch's names of them as `cuda:0,cuda:1`; each has a process of its own.
        precision: `32`, `bf16`, `16`, or `auto`: bf16 on a GPU that has it, where 99.9 % of the labels are those of 32,
            tried on 8 of the photos.
        batch_size: photos that go through a model at once; by default one on a CPU, the run's batch size on a GPU.
        unreadable: what a photo that cannot be read gets in the submission: no row (`skip`), or one of `background`.
        engine: `torch`; an exporter, as `onnx`, whose export lies in the run's folder; or `auto`, that export where
            it is of these weights, else torch.
    """
    from recycle_engine.inference.photos import find_photos

    locked: dict[str, str] = {}
    places = [path_of(images)] if isinstance(images, (str, Path)) else list(map(path_of, images))
    chosen = (pipeline, submission, force, outputs, vote, weights, devices, precision, batch_size, unreadable, engine)
    with never_read(path_of(submission) if submission else None):
        photos = find_photos(places, path_of(data) if data else None, locked)
        return _predict_found(run, photos, out, *chosen, left_out=locked)


def predict_listed(
    run: Run | Place | Sequence[Run | Place | Member],
    lines: Iterable[str],
    out: Place | None = None,
    data: Place | None = None,
    folder: Place = ".",
    submission: Place | None = None,
    **options: Any,
) -> Predicted:
    """Predict the photos that lines name; see `recycle_engine.inference.photos.listed_photos` and `predict`.

    Args:
        run: see `predict`.
        lines: paths of photos.
        out: folder of the outputs.
        data: the folder that they are relative to; the current one, else `folder`, when left out.
        folder: of the list.
        submission: see `predict`; a list that is read line by line is not replaced by it.
        options: others of `predict`.
    """
    from recycle_engine.inference.photos import listed_photos

    with never_read(path_of(submission) if submission else None):
        photos = listed_photos(lines, path_of(data) if data else None, path_of(folder))
        return _predict_found(run, photos, out, submission=submission, **options)


def _predict_found(
    run: Run | Place | Sequence[Run | Place | Member],
    photos: Sequence[InputPhoto],
    out: Place | None = None,
    pipeline: Pipeline | None = None,
    submission: Place | None = None,
    force: bool = False,
    outputs: Sequence[str] = ("masks", "overlays"),
    vote: Vote = "soft",
    weights: Sequence[float] = (),
    devices: str | None = None,
    precision: AskedPrecision = "32",
    batch_size: int | None = None,
    unreadable: Unreadable = "skip",
    engine: str = "torch",
    left_out: Mapping[str, str] = {},
) -> Predicted:
    """Predict photos that were found; see `predict`. `left_out` is told as what failed."""
    from recycle_engine.inference.job import Job
    from recycle_engine.inference.outputs import checked_outputs

    job = Job(
        run_by_engine(run, weights, pipeline, engine, precision),
        tuple(photos),
        path_of(out) if out else None,
        checked_outputs(outputs),
        path_of(submission) if submission else None,
        vote,
        unreadable=unreadable,
        left_out=left_out,
    )
    return predict_job(with_machine(job, precision, batch_size, devices), devices, force)


def with_machine(job: Job, precision: AskedPrecision, batch_size: int | None, devices: str | None) -> Job:
    """A job with a precision, `auto` decided, and photos at a time, else those of the first training."""
    from recycle_engine.inference.members import InferenceConfig

    held = recipe_of(_run_of(job.members[0].weights)).train.batch_size if batch_size is None else batch_size
    machine = InferenceConfig(None, "32" if precision == "auto" else precision, held, batch_size)
    job = replace(job, machine=machine)
    if precision != "auto":
        return job
    with busy("loading torch"):
        from recycle_engine.inference.auto_precision import settled
        from recycle_engine.inference.predict import devices_of

    return settled(registry(), job, devices_of(devices)[0])


def predict_job(job: Job, devices: str | None, force: bool) -> Predicted:
    """Do a job; see `predict`."""
    from recycle_engine.inference.predict import devices_of

    with busy("loading torch"):
        from recycle_engine.inference.predict import predict as engine

    return engine(registry(), job, devices_of(devices), force)


def count_together(
    models: Sequence[Run | Place | Member], source: Source, vote: Vote = "soft", weights: Sequence[float] = ()
) -> PerImageCounts:
    """Count the predictions of several models as an ensemble; see `member` and `predict`."""
    with busy("loading torch"):
        from recycle_engine.evaluation.evaluate import count_together as engine
    from recycle_engine.inference.members import EnsembleWeights

    members = members_of(models, weights)
    recipe = recipe_of(_run_of(members[0].weights))
    (ledger,) = engine(registry(), members, [EnsembleWeights.of(members, vote)], recipe, source)
    return ledger


@in_workspace
def select(
    models: Sequence[Run | Place],
    source: Source | None = None,
    metric: Metric = "miou_dataset",
    group_by: str | None = None,
) -> Selection:
    """Choose the models whose mean scores best, greedily; see `recycle_engine.evaluation.select.select`.

    Args:
        models: see `member`.
        source: labelled photos that none has trained on; the first run's validation split when left out.
        metric: the score that decides.
        group_by: choose and resample related photos together.

    Raises:
        RecycleError: a model has trained on some of the photos, or there is one photo or group alone.
    """
    with busy("loading torch"):
        from recycle_engine.evaluation.select import select as engine
    from recycle_engine.inference.members import InferenceConfig

    members = members_of(models)
    runs = [_run_of(each.weights) for each in members]
    photos = judged_photos(runs[0])[0] if source is None else source
    for run in runs:
        refuse_trained_on(run, photos)
    classes = recipe_of(runs[0]).data.classes
    return engine(registry(), members, photos, metric, InferenceConfig(), classes, groups(photos, group_by))


def soup(
    models: Sequence[Run | Place | Member], name: str, weights: Sequence[float] = (), runs: Place | None = None
) -> Run:
    """A new run whose weights are the mean of several models' weights; see `recycle_engine.evaluation.soup.make_soup`.

    Raises:
        RecycleError: a model has trained on the validation photos of the first, or is named with a trick that
            is none of weights, or see `make_soup`.
    """
    with busy("loading torch"):
        from recycle_engine.evaluation.soup import make_soup
    from recycle_engine.pipeline import WITHOUT_AVERAGE
    from recycle_engine.runs import RUNS

    for model in models:
        tricks = set(parted(model)[1]) if isinstance(model, (str, Path)) else set()
        if unused := sorted(tricks - {WITHOUT_AVERAGE, "plain"}):
            raise RecycleError(
                f"{model}: {join_limited(unused)} changes no weights", "leave it out, and use it with the soup"
            )
    members = members_of(models, weights)
    owners = [_run_of(one.weights) for one in members]
    held = judged_photos(owners[0])[0]
    for run in owners[1:]:  # else it would be judged on what it has learned
        refuse_trained_on(run, held)
    return make_soup(members, owners, name, path_of(runs) if runs else RUNS)


def vote_submissions(files: Sequence[Place], out: Place, weights: Sequence[float] = (), force: bool = False) -> int:
    """A submission of the labels that most submissions give; the number of photos. See `hard_vote`."""
    from recycle_data.submission import vote

    return vote([path_of(file) for file in files], _checked(weights, len(files)), path_of(out), force)
