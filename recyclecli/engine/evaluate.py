"""The score of a run on labelled photos, at the photos' own size."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from recyclecli.data.sources import relabelled
from recyclecli.data.submission import SIDE, reduce_labels
from recyclecli.engine.checkpoint import load_trained
from recyclecli.engine.infer import Predictor, batches
from recyclecli.engine.metrics import Scores, confusion, scores
from recyclecli.engine.runs import Run
from recyclecli.plugins import Registry
from recyclecli.progress import track
from recyclecli.recipe import Recipe
from recyclecli.types import PostprocessorContext, Sample, Source


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores over a set of photos.

    Attributes:
        photos: how many.
        miou: mean over the classes of the IoU over all pixels, at the photos' own size.
        miou_256: the same on labels reduced to 256x256 by nearest pixel, as the contest scored.
        accuracy: share of right pixels at the photos' own size.
        iou: class name to IoU; None for a class in neither truth nor prediction.
        confusion: K x K pixel counts at the photos' own size, truth by row.
    """

    photos: int
    miou: float
    miou_256: float
    accuracy: float
    iou: dict[str, float | None]
    confusion: tuple[tuple[int, ...], ...]

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


class Watch(Protocol):
    """Looks at each photo of an evaluation."""

    def __call__(self, name: str, sample: Sample, predicted: NDArray[np.uint8], iou: float) -> None:
        """See one photo, its labels, the predicted ones (H, W) and the mean IoU over its classes."""
        ...


class Tally:
    """Counts truth against prediction photo by photo; memory does not grow."""

    def __init__(self, class_names: tuple[str, ...]) -> None:
        self._class_names = class_names
        classes = len(class_names)
        self._full, self._reduced = (torch.zeros(classes, classes, dtype=torch.int64) for _ in range(2))
        self._photos = 0

    def add(self, predicted: NDArray[np.uint8], truth: NDArray[np.uint8]) -> Scores:
        """Count one photo, (H, W) labels and mask of one size, and return its own scores."""
        self._photos += 1
        said, true = (torch.from_numpy(reduce_labels(labels, SIDE)) for labels in (predicted, truth))
        self._reduced += confusion(said, true, len(self._class_names))
        own = confusion(torch.from_numpy(predicted), torch.from_numpy(truth), len(self._class_names))
        self._full += own
        return scores(own)

    def result(self) -> Evaluation:
        """The scores so far."""
        full, reduced = scores(self._full), scores(self._reduced)
        values = [None if value != value else value for value in full.iou.tolist()]
        iou = dict(zip(self._class_names, values, strict=True))
        counts = tuple(tuple(row) for row in self._full.tolist())
        return Evaluation(self._photos, full.miou, reduced.miou, full.accuracy, iou, counts)


def predictor_of(registry: Registry, run: Run, recipe: Recipe) -> tuple[Predictor, tuple[str, ...], list[Any]]:
    """The run's best weights with its recipe's post-processors, its class names and its colours."""
    trained = load_trained(registry, run.best)
    context = PostprocessorContext(trained.class_names)
    posts = [registry.build("postprocessor", part.name, part.options, context) for part in recipe.post]
    return Predictor(trained, posts), trained.class_names, trained.palette


def evaluate(registry: Registry, run: Run, recipe: Recipe, source: Source, watch: Watch | None = None) -> Evaluation:
    """Score a run's best weights on `source`; its labels are matched to the run's by name.

    Args:
        registry: the installed components.
        run: a run with weights.
        recipe: its recipe, for the post-processors and the batch size.
        source: labelled photos.
        watch: called for each photo with its name, its sample and the predicted labels.

    Raises:
        RecycleError: a photo cannot be read, or the run has no weights.
    """
    predictor, class_names, _ = predictor_of(registry, run, recipe)
    tally = Tally(class_names)
    source = relabelled(source, class_names, recipe.data.classes)

    def judge(indices: list[int]) -> None:  # a function, so that a huge photo is let go before the next is read
        samples = [source.read(index) for index in indices]
        predicted = predictor.labels([sample.image for sample in samples])
        for index, sample, labels in zip(indices, samples, predicted, strict=True):
            own = tally.add(labels, sample.mask)
            if watch is not None:
                watch(source.record(index).file_name, sample, labels, own.miou)

    def pixels(index: int) -> int:
        return source.record(index).height * source.record(index).width

    for indices in batches(track(range(len(source)), len(source), "judging"), recipe.train.batch_size, pixels):
        judge(indices)
    return tally.result()
