"""A run's predictions counted against labelled photos, with one pipeline or with many at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
from recycle_data.progress import track
from recycle_data.sources import relabelled
from recycle_data.threads import cores

from recycle_engine.checkpoint import load_trained
from recycle_engine.inference.infer import Predictor, Scorer, predictions
from recycle_engine.inference.members import EnsembleWeights, Member, scorer_of, stage_of
from recycle_engine.inference.read_ahead import read_ahead
from recycle_engine.inference.scores import Prediction
from recycle_engine.judge.per_image_counts import PerImageCounts
from recycle_engine.judge.scores import Evaluation, evaluation
from recycle_engine.pipeline import Pipeline, pipeline_of
from recycle_engine.runs import Run
from recyclecli.plugins import Registry
from recyclecli.recipe import Recipe
from recyclecli.types import Sample, Source

NO_INSTANCES = np.zeros((0, 0), np.int32)  # a huge photo's would take as much room as all else


class Watch(Protocol):
    """Looks at each photo of an evaluation."""

    def __call__(self, name: str, sample: Sample, said: Prediction, iou: float) -> None:
        """See one photo and its labels (no instances), what is said of it, the mean IoU of its classes."""
        ...


def count(
    registry: Registry,
    run: Run,
    recipe: Recipe,
    source: Source,
    pipelines: Sequence[Pipeline],
    watch: Watch | None = None,
) -> list[PerImageCounts]:
    """Count what a run predicts for `source` with each pipeline; labels are matched by name.

    Each photo is read once for all pipelines of the same weights, and each view of it is run
    through the model once.

    Args:
        registry: the installed components.
        run: a run with weights.
        recipe: its recipe, for the batch size and the merged classes.
        source: labelled photos.
        pipelines: at least one.
        watch: called for each photo with what the first pipeline says.

    Raises:
        RecycleError: a photo cannot be read, or the run lacks the weights.
    """
    found: dict[int, PerImageCounts] = {}
    for weights in dict.fromkeys(pipeline.weights for pipeline in pipelines):
        places = [place for place, pipeline in enumerate(pipelines) if pipeline.weights == weights]
        trained = load_trained(registry, run.raw if weights == "raw" else run.best)
        stages = [stage_of(registry, pipelines[place], trained.class_names) for place in places]
        photos = relabelled(source, trained.class_names, recipe.data.classes)
        ledgers = [PerImageCounts(trained.class_names) for _ in places]
        fill(ledgers, Predictor(trained, stages), photos, recipe.train.batch_size, watch if 0 in places else None)
        found |= dict(zip(places, ledgers, strict=True))
    return [found[place] for place in range(len(pipelines))]


def count_together(
    registry: Registry, members: Sequence[Member], mixes: Sequence[EnsembleWeights], recipe: Recipe, source: Source
) -> list[PerImageCounts]:
    """Count what several models say together, for each mix of them; see `scorer_of`. `recipe` is the first one's.

    Each photo is read once, and goes through each model once.
    """
    scorer, trained = scorer_of(registry, members, mixes)
    ledgers = [PerImageCounts(trained.class_names) for _ in mixes]
    fill(ledgers, scorer, relabelled(source, trained.class_names, recipe.data.classes), recipe.train.batch_size)
    return ledgers


def fill(
    ledgers: Sequence[PerImageCounts], scorer: Scorer, photos: Source, batch: int, watch: Watch | None = None
) -> None:
    """Add to each ledger what the scorer's stage of the same place says of the photos, `batch` at a time."""

    def read(index: int) -> Sample:
        return photos.read(index)._replace(instances=NO_INSTANCES)

    def judge(indices: list[int], samples: list[Sample]) -> None:
        said = predictions(scorer, [sample.image for sample in samples])
        for index, sample, said_of in zip(indices, samples, said, strict=True):
            name = photos.record(index).file_name
            for place, (ledger, one) in enumerate(zip(ledgers, said_of, strict=True)):  # each is let go of at once
                score = ledger.add(name, one.labels, sample.mask, one.confidence)
                if watch is not None and place == 0:
                    watch(name, sample, one, score)

    def pixels(index: int) -> int:
        return photos.record(index).height * photos.record(index).width

    places = track(range(len(photos)), len(photos), "judging")
    with ThreadPoolExecutor(cores()) as pool:
        for indices, samples in read_ahead(pool, read, places, batch, pixels):
            judge(indices, samples)
            del samples  # a huge photo is let go of before the next is read


def evaluate(
    registry: Registry,
    run: Run,
    recipe: Recipe,
    source: Source,
    watch: Watch | None = None,
    pipeline: Pipeline | None = None,
    groups: Sequence[int] | None = None,
) -> Evaluation:
    """Score a run on `source` with `pipeline`, its own when left out; see `count` and `evaluation`."""
    (ledger,) = count(registry, run, recipe, source, [pipeline or pipeline_of(registry, run, recipe)], watch)
    return evaluation(ledger, groups)
