"""From photos of any size to scores and labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from recycle_data.letterbox import fit_image, fitted_size, resize_image
from recycle_data.optional import takes_batches

from recycle_engine.boundary import CheckedModel, no_scores
from recycle_engine.checkpoint import TrainedModel
from recycle_engine.inference.scores import (
    MOST_SCORES,
    TINY,
    MeanScores,
    Prediction,
    Scores,
    all_scores,
    mean_scores,
    prediction_of,
    resized_bands,
    sized,
)
from recycle_engine.inference.windows import WindowedScores
from recycle_engine.input_shape import Sides
from recycle_engine.library_errors import memory_errors
from recycle_engine.pipeline import View
from recyclecli.errors import RecycleError, counted
from recyclecli.types import Postprocessor

T = TypeVar("T")
Way = tuple[float, View | None]  # how the model sees a photo: sliding window, view

BATCH_PIXELS = 2**25  # of photos that are held at a time: about 10 bytes each with their labels
POSTPROCESSED_PIXELS = 2**21  # pixels that post-processors see at a time, where they take several photos
WORK = 2048  # longest side in pixels at which post-processors see a photo, and several models meet
MOST_ENLARGED = 2**27  # pixels of a photo that is seen window by window: 400 MB
WINDOWS_AT_ONCE = 8  # of a photo that go through a model on a GPU at once

Precision = Literal["32", "bf16", "16"]
HALF = {"bf16": torch.bfloat16, "16": torch.float16}


@dataclass(frozen=True, slots=True)
class Stage:
    """One way to use the model's outputs: views to average over, then post-processors in order.

    Attributes:
        views: see `recycle_engine.pipeline.VIEWS`.
        post: built post-processors.
        sliding_window: the photo is enlarged to this many times the training size and seen window by window; 0: whole.
        alone: it is seen in the views only, and not as it is.
    """

    views: tuple[View, ...] = ()
    post: tuple[Postprocessor, ...] = ()
    sliding_window: float = 0
    alone: bool = False

    @property
    def seen(self) -> tuple[Way, ...]:
        """Each way that the model sees the photo."""
        plain: tuple[View | None, ...] = () if self.alone else (None,)
        return tuple((self.sliding_window, view) for view in (*plain, *self.views))


class Scorer(Protocol):
    """Whatever gives scores of photos: a model with its stages, or several such."""

    def scores(self, photos: Sequence[NDArray[np.uint8]]) -> Iterator[Iterator[Scores]]:
        """For each photo (H, W, 3) uint8 RGB the scores (K, h, w) float32 of each stage, one after the other."""
        ...


def predictions(
    scorer: Scorer, photos: Sequence[NDArray[np.uint8]], confident: bool = True
) -> Iterator[Iterator[Prediction]]:
    """What each stage says of each photo (H, W, 3) uint8 RGB, at the photo's own size, one after the other."""
    for photo, scores in zip(photos, scorer.scores(photos), strict=True):
        height, width = photo.shape[:2]
        yield (prediction_of(one, height, width, confident) for one in scores)


class Predictor:
    """A trained model with its stages, ready for photos; a view that several stages share is run once.

    Args:
        trained: from `load_trained`.
        stages: what each photo is predicted with.
        device: torch device; the GPU when there is one.
        precision: `32`, or what torch's autocast shall use: `bf16` or `16`.
        at_once: photos, or windows, that go through the model at once. Where it is left out: one on a CPU, which
            takes less memory; on a GPU all photos that are given, and `WINDOWS_AT_ONCE` windows.
    """

    def __init__(
        self,
        trained: TrainedModel,
        stages: Sequence[Stage] = (Stage(),),
        device: str | None = None,
        precision: Precision = "32",
        at_once: int | None = None,
    ) -> None:
        self._device = torch_device(device)
        self._model = trained.model.to(self._device).to(memory_format=torch.channels_last)
        self._shape = trained.shape
        self._classes = len(trained.class_names)
        self._checked = CheckedModel(trained.part, self._model, self._classes)
        self._stages = list(stages)
        self._precision = precision
        self._half = HALF.get(precision)
        self._at_once = at_once or at_once_on(self._device)
        # whether all logits are that were not looked at; one value, since one for each would fray the heap
        self._finite = torch.ones((), dtype=torch.bool, device=self._device)

    @torch.inference_mode()
    def scores(self, photos: Sequence[NDArray[np.uint8]]) -> Iterator[Iterator[Scores]]:
        """For each photo (H, W, 3) uint8 RGB the scores (K, h, w) float32 of each stage, one after the other.

        Their softmax are probabilities; resized bilinearly to the photo's size, the largest is the
        label. See `InputShape` for how a photo is fitted. With views, the probabilities of the photo
        as it is and of each view are averaged, and the scores are the log of that mean.
        Post-processors see it at its own size, or with a longer side of `WORK` where that is less.
        """
        self._finite = torch.ones((), dtype=torch.bool, device=self._device)
        ways = {stage.seen for stage in self._stages}
        every = {way for several in ways for way in several}
        fitted = {way: self._whole(photos, *_scale_of(*way)) for way in every if not way[0]}
        if fitted:
            self._refuse_not_finite()

        def means(number: int) -> dict[tuple[Way, ...], Scores]:
            seen: dict[Way, Scores] = {way: fitted[way][number] for way in fitted}
            enlarged: dict[Sides, NDArray[np.uint8]] = {}
            seen |= {way: self._windowed(photos[number], *_scale_of(*way), enlarged) for way in every if way[0]}
            if len(self._stages) > 1:
                seen = {way: all_scores(one) for way, one in seen.items()}
            return {several: _mean([seen[way] for way in several]) for several in ways}

        def staged(number: int) -> Iterator[Scores]:
            mean = means(number)
            return (one for stage in self._stages for one in _processed([mean[stage.seen]], [photos[number]], stage))

        if len(self._stages) > 1:
            yield from map(staged, range(len(photos)))
            return
        (stage,) = self._stages
        several = len(photos) if any(takes_batches(post) for post in stage.post) else 1
        for numbers in batches(
            range(len(photos)), several, lambda number: math.prod(meeting_size(photos[number])), POSTPROCESSED_PIXELS
        ):
            given = [means(number)[stage.seen] for number in numbers]
            yield from (iter([one]) for one in _processed(given, [photos[number] for number in numbers], stage))

    def _whole(self, photos: Sequence[NDArray[np.uint8]], scale: float, kind: str) -> list[torch.Tensor]:
        """(K, h, w) float32 scores of each photo, turned back, without the padding; those of one shape go together."""
        shapes = [self._shape.whole(photo.shape[0], photo.shape[1], scale) for photo in photos]
        alike: dict[Sides, list[int]] = {}
        for number, (_, frame) in enumerate(shapes):
            alike.setdefault(frame, []).append(number)
        seen: dict[int, torch.Tensor] = {}
        step = self._at_once or len(photos)
        for frame, numbers in alike.items():
            for start in range(0, len(numbers), step):
                part = numbers[start : start + step]
                fitted = self._room(len(part), frame)
                for place, number in zip(fitted.numpy(), part, strict=True):
                    place[:] = fit_image(photos[number], *shapes[number])
                for number, logits in zip(part, self._through(fitted, kind), strict=True):
                    rows, columns = shapes[number][0]
                    seen[number] = logits[:, :rows, :columns].float()
        return [seen[number] for number in range(len(photos))]

    def _windowed(
        self, photo: NDArray[np.uint8], scale: float, kind: str, enlarged: dict[Sides, NDArray[np.uint8]]
    ) -> WindowedScores:
        """Scores of a photo seen through windows; what it is enlarged to is kept in `enlarged`."""
        height, width = self._shape.scaled(photo.shape[0], photo.shape[1], scale)
        window = self._shape.sliding(height, width)
        if height * width > MOST_ENLARGED or self._classes * min(height, 2 * window[0]) * width > MOST_SCORES:
            raise RecycleError(
                f"a photo of {photo.shape[1]}x{photo.shape[0]} pixels enlarged to {width}x{height}, with scores of "
                f"{counted(self._classes, 'class')}, is more than is held in memory",
                "choose a smaller --sliding-window, or --plain to leave it out",
            )
        if (height, width) not in enlarged:
            enlarged[height, width] = resize_image(photo, height, width)

        def shares(windows: Sequence[NDArray[np.uint8]]) -> Iterator[torch.Tensor]:
            step = self._at_once or WINDOWS_AT_ONCE
            for start in range(0, len(windows), step):
                part = windows[start : start + step]
                room = self._room(len(part), window)
                for place, shown in zip(room.numpy(), part, strict=True):
                    place[: shown.shape[0], : shown.shape[1]] = shown
                yield from self._through(room, kind).float().softmax(1)

        image = enlarged[height, width]
        return WindowedScores(image, window, self._classes, shares, self._device, self._refuse_not_finite)

    def _room(self, photos: int, sides: Sides) -> torch.Tensor:
        """(N, *sides, 3) uint8 zeros, from where a GPU reads while Python goes on."""
        return torch.zeros((photos, *sides, 3), dtype=torch.uint8, pin_memory=self._device.type == "cuda")

    def _refuse_not_finite(self) -> None:
        """Raise RunFailed where logits are NaN or infinite: looked at together, since each look waits for a GPU."""
        if not self._finite:
            raise no_scores(self._checked.part, self._model, self._precision)

    @contextmanager
    def _rounding(self) -> Iterator[None]:
        """At precision 32 a GPU's convolutions take all bits (no TF32), whatever was trained here before."""
        if self._device.type != "cuda" or self._half is not None:
            yield
            return
        cudnn: Any = torch.backends.cudnn
        before = cudnn.allow_tf32
        cudnn.allow_tf32 = False
        try:
            yield
        finally:
            cudnn.allow_tf32 = before

    @memory_errors()
    def _through(self, images: torch.Tensor, kind: str) -> torch.Tensor:
        """Logits of (N, H, W, 3) uint8 RGB images seen so (`hflip`, `vflip`, `rot90` ...), turned back."""
        turns = int(kind.removeprefix("rot")) // 90 if kind.startswith("rot") else 0
        flipped = {"hflip": (-1,), "vflip": (-2,)}.get(kind, ())
        image = images.to(self._device, non_blocking=True).permute(0, 3, 1, 2).float().div_(255)
        image = torch.rot90(image.flip(flipped), turns, (-2, -1))
        with self._rounding(), torch.autocast(self._device.type, self._half, enabled=bool(self._half)):
            image = image.contiguous(memory_format=torch.channels_last)
            with self._checked.part:
                given = self._model(image)
        logits = self._checked(given, image).logits
        self._finite &= logits.isfinite().all()
        return torch.rot90(logits, -turns, (-2, -1)).flip(flipped)


def torch_device(name: str | None) -> torch.device:
    """A torch device by its name; the GPU when there is one where none is named."""
    return torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))


def at_once_on(device: torch.device) -> int | None:
    """How many photos go through a model at once, None for all that are held: on a CPU one takes less memory."""
    return 1 if device.type == "cpu" else None


def meeting_size(photo: NDArray[np.uint8]) -> tuple[int, int]:
    """Height and width of a photo (H, W, 3), or of one with a longer side of `WORK` where that is less."""
    height, width = photo.shape[:2]
    return (height, width) if max(height, width) <= WORK else fitted_size(height, width, WORK)


def _scale_of(sliding_window: float, view: View | None) -> tuple[float, str]:
    """By how much more than the size a photo is enlarged, and how it is turned."""
    kind, _, amount = (view or "").partition("-")
    return (sliding_window or 1) * (float(amount) if kind == "scale" else 1), kind


@torch.inference_mode()
def _mean(seen: Sequence[Scores]) -> Scores:
    """Scores (K, h, w) of a photo from those of each way it was seen, at the size of the first."""
    if len(seen) == 1:
        return seen[0]
    held = [one for one in seen if isinstance(one, torch.Tensor)]
    if len(held) < len(seen):
        return MeanScores(seen)
    return mean_scores([sized(one, held[0].shape[1:]) for one in held])


@torch.inference_mode()
def _processed(scores: Sequence[Scores], photos: Sequence[NDArray[np.uint8]], stage: Stage) -> Sequence[Scores]:
    """A stage's scores (K, h, w) after its post-processors, at the size that these see each photo at."""
    if not stage.post:
        return scores
    sizes = [meeting_size(photo) for photo in photos]
    seen = [resize_image(photo, *size) for photo, size in zip(photos, sizes, strict=True)]
    probabilities: Sequence[NDArray[np.float32]] = [
        torch.cat(list(resized_bands(one, *size)), 1).softmax(0).cpu().numpy()
        for one, size in zip(scores, sizes, strict=True)
    ]
    for post in stage.post:
        if takes_batches(post):
            probabilities = post.batch(seen, probabilities)
        else:
            probabilities = [post(*each) for each in zip(seen, probabilities, strict=True)]
    return [torch.from_numpy(np.maximum(each, TINY)).log_() for each in probabilities]


def batches(items: Iterable[T], size: int, pixels: Callable[[T], int], most: int = BATCH_PIXELS) -> Iterator[list[T]]:
    """Lists of up to `size` consecutive photos and, if more than one, of up to `most` pixels together.

    Args:
        items: what stands for the photos; they are not read for this.
        size: most photos of a list.
        pixels: height x width of a photo.
        most: pixels that are held at a time.
    """
    batch: list[T] = []
    total = 0
    for item in items:
        more = pixels(item)
        if batch and (len(batch) == size or total + more > most):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += more
    if batch:
        yield batch
