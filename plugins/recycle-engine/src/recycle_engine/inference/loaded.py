"""A model that stays in memory, or several as one: photos in, labels and objects out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import RLock
from types import TracebackType

import numpy as np
import torch
from numpy.typing import NDArray
from recycle_coco import connected_pieces, has_background, read_photo
from recycle_data.pseudo import FULL_CONFIDENCE

from recycle_engine.checkpoint import TrainedModel
from recycle_engine.inference.infer import Scorer
from recycle_engine.inference.members import EnsembleWeights, InferenceConfig, Member, Vote, scorer_of
from recycle_engine.inference.objects import PredictedObject, objects_of
from recycle_engine.inference.scores import Scores, all_scores, prediction_of, resized_bands
from recyclecli.errors import RecycleError
from recyclecli.home import expanded
from recyclecli.plugins import Registry

Photo = str | Path | NDArray[np.uint8]


@dataclass(frozen=True)
class Result:
    """What is said of one photo, at its own size.

    Attributes:
        labels: (H, W) uint8, places in `class_names`.
        class_names: of the run, by label.
        confidence: (H, W) float32, the probability of each pixel's label, 0..1; None where it was not asked for.
        probabilities: (K, H, W) float32 of all classes, 0..1, summing to 1; None where they were not asked for.
    """

    labels: NDArray[np.uint8]
    class_names: tuple[str, ...]
    confidence: NDArray[np.float32] | None = None
    probabilities: NDArray[np.float32] | None = None

    @cached_property
    def pieces(self) -> NDArray[np.int32]:
        """(H, W) int32: to which of `objects` each pixel belongs, by its number; 0 to none."""
        return connected_pieces(self.labels, int(has_background(self.class_names)))

    @cached_property
    def objects(self) -> list[PredictedObject]:
        """The connected pieces of each class but the background, also over corners, the largest first."""
        return objects_of(self.labels, self.pieces, self.class_names, self.confidence)


class LoadedModel:
    """Models with their pipelines, in memory and ready for photos; safe in threads, which it takes in turn.

    It needs the run's folder no more once it is there. To be used as a context, or closed when it is done with.

    Args:
        registry: the installed components.
        members: one model, or several that are used as one.
        machine: what it runs on.
        vote: of several, see `EnsembleWeights`.
        agreement: see `scorer_of`.
        weights: checkpoints that are in memory already, by file and engine; those that are read are added.

    Raises:
        RecycleError: a checkpoint cannot be used, or the members know different classes.
    """

    def __init__(
        self,
        registry: Registry,
        members: Sequence[Member],
        machine: InferenceConfig,
        vote: Vote = "soft",
        agreement: bool = False,
        weights: dict[tuple[Path, str], TrainedModel] | None = None,
    ) -> None:
        mixes = [EnsembleWeights.of(members, vote)]
        scorer, trained = scorer_of(registry, members, mixes, machine, agreement, weights)
        self._scorer: Scorer | None = scorer
        self._batch, self._lock = machine.batch_size, RLock()
        self.class_names, self.palette, self.size = trained.class_names, trained.palette, trained.shape.size

    def __enter__(self) -> LoadedModel:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the weights, when the photo that is looked at is done."""
        with self._lock:
            self._scorer = None

    def __call__(self, photo: Photo, confidence: bool = True, probabilities: bool = False) -> Result:
        """Labels of one photo.

        Args:
            photo: a file, or its pixels as an array (H, W, 3) uint8 RGB, upright.
            confidence: also how probable each pixel's label is.
            probabilities: also those of all classes, 4 bytes for each pixel and class.

        Raises:
            RecycleError: it is no such array, the file cannot be read, or the model is closed.
            RunFailed: the model gives scores that are no finite numbers.
        """
        return self._results([_pixels(photo)], confidence, probabilities)[0]

    def each(self, photos: Iterable[Photo], confidence: bool = True, probabilities: bool = False) -> Iterator[Result]:
        """`__call__` for each photo, in order, as many at a time as the machine takes; see `InferenceConfig`."""
        waiting: list[NDArray[np.uint8]] = []
        for photo in photos:
            waiting.append(_pixels(photo))
            if len(waiting) == self._batch:
                yield from self._results(waiting, confidence, probabilities)
                waiting = []
        if waiting:
            yield from self._results(waiting, confidence, probabilities)

    def scores(self, photos: Sequence[NDArray[np.uint8]]) -> Iterator[Iterator[Scores]]:
        """See `recycle_engine.inference.infer.Scorer`; for one thread. RecycleError where the model is closed."""
        if self._scorer is None:
            raise RecycleError("the model is closed", "load it again: api.load(run)")
        return self._scorer.scores(photos)

    def _results(self, photos: Sequence[NDArray[np.uint8]], confidence: bool, probabilities: bool) -> list[Result]:
        with self._lock:
            return [
                self._result(photo, next(scores), confidence, probabilities)
                for photo, scores in zip(photos, self.scores(photos), strict=True)
            ]

    def _result(self, photo: NDArray[np.uint8], scores: Scores, confidence: bool, probabilities: bool) -> Result:
        height, width = photo.shape[:2]
        scores = all_scores(scores) if probabilities else scores
        said = prediction_of(scores, height, width, confidence)
        every = None
        if probabilities:
            every = torch.cat(list(resized_bands(scores, height, width)), 1).softmax(0).cpu().numpy()
        sure = np.divide(said.confidence, FULL_CONFIDENCE, dtype=np.float32) if confidence else None
        return Result(said.labels, self.class_names, sure, every)


def _pixels(photo: Photo) -> NDArray[np.uint8]:
    if isinstance(photo, (str, Path)):
        return read_photo(Path(expanded(str(photo))))
    if not isinstance(photo, np.ndarray) or photo.dtype != np.uint8 or photo.shape[2:] != (3,) or not photo.size:
        found = f"{photo.shape} {photo.dtype}" if isinstance(photo, np.ndarray) else f"a {type(photo).__name__}"
        raise RecycleError(
            f"a photo is a path or an array (H, W, 3) of uint8 in RGB, and this is {found}",
            "name the file, or of PIL's image: np.asarray(image.convert('RGB')); of OpenCV's: image[..., ::-1]",
        )
    return photo
