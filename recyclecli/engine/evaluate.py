"""A run's predictions counted against labelled photos, with one pipeline or with many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recyclecli.data.sources import relabelled
from recyclecli.engine.checkpoint import load_trained
from recyclecli.engine.infer import Predictor, batches, predictions
from recyclecli.engine.members import stage_of
from recyclecli.engine.pipeline import Pipeline, pipeline_of
from recyclecli.engine.runs import Run
from recyclecli.judge.ledger import Ledger
from recyclecli.judge.scores import Evaluation, evaluation
from recyclecli.plugins import Registry
from recyclecli.progress import track
from recyclecli.recipe import Recipe
from recyclecli.types import Sample, Source

NO_INSTANCES = np.zeros((0, 0), np.int32)  # a huge photo's would take as much room as all else


class Watch(Protocol):
    """Looks at each photo of an evaluation."""

    def __call__(self, name: str, sample: Sample, predicted: NDArray[np.uint8], iou: float) -> None:
        """See one photo and its labels (no instances), the predicted ones (H, W), the mean IoU of its classes."""
        ...


def count(
    registry: Registry,
    run: Run,
    recipe: Recipe,
    source: Source,
    pipelines: Sequence[Pipeline],
    watch: Watch | None = None,
) -> list[Ledger]:
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
    found: dict[int, Ledger] = {}
    for weights in dict.fromkeys(pipeline.weights for pipeline in pipelines):
        places = [place for place, pipeline in enumerate(pipelines) if pipeline.weights == weights]
        trained = load_trained(registry, run.raw if weights == "raw" else run.best)
        stages = [stage_of(registry, pipelines[place], trained.class_names) for place in places]
        predictor = Predictor(trained, stages)
        photos = relabelled(source, trained.class_names, recipe.data.classes)
        ledgers = [Ledger(trained.class_names) for _ in places]
        looker = watch if 0 in places else None

        def judge(  # a function, so that a huge photo is let go before the next is read
            indices: list[int],
            photos: Source = photos,
            predictor: Predictor = predictor,
            ledgers: list[Ledger] = ledgers,
            looker: Watch | None = looker,
        ) -> None:
            samples = [photos.read(index)._replace(instances=NO_INSTANCES) for index in indices]
            said = predictions(predictor, [sample.image for sample in samples])
            for index, sample, said_of in zip(indices, samples, said, strict=True):
                name = photos.record(index).file_name
                scores = [
                    ledger.add(name, prediction.labels, sample.mask, prediction.confidence)
                    for ledger, prediction in zip(ledgers, said_of, strict=True)
                ]
                if looker is not None:
                    looker(name, sample, said_of[0].labels, scores[0])

        def pixels(index: int, photos: Source = photos) -> int:
            return photos.record(index).height * photos.record(index).width

        work = track(range(len(photos)), len(photos), "judging")
        for indices in batches(work, recipe.train.batch_size, pixels):
            judge(indices)
        found |= dict(zip(places, ledgers, strict=True))
    return [found[place] for place in range(len(pipelines))]


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
    (ledger,) = count(registry, run, recipe, source, [pipeline or pipeline_of(run, recipe)], watch)
    return evaluation(ledger, groups)
