"""Predicting a part of the photos on one device, each written as it is done."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from recycle_coco import photo_size
from recycle_data.letterbox import resize_labels
from recycle_data.progress import track
from recycle_data.submission import submission_row
from recycle_data.threads import cores

from recycle_engine.inference.infer import BATCH_PIXELS
from recycle_engine.inference.job import Shard
from recycle_engine.inference.journal import Journal
from recycle_engine.inference.loaded import LoadedModel
from recycle_engine.inference.outputs import write_outputs
from recycle_engine.inference.photos import InputPhoto
from recycle_engine.inference.read_ahead import read_ahead
from recycle_engine.inference.scores import Scores, all_scores, prediction_of
from recyclecli.errors import RecycleError
from recyclecli.files import NameTooLong, open_state, unwritable
from recyclecli.plugins import Registry

LEAST_THREADS = 4  # that read and write: they also wait for the disk
UNREADABLE_LABELS = np.zeros((1, 1), np.uint8)  # labels of a photo that cannot be read


@dataclass(frozen=True, slots=True)
class PendingOutput:
    """The writing of a photo's pictures, and its row of the submission where there is one."""

    written: Future[None]
    row: Future[bytes] | None


def run_shard(registry: Registry, shard: Shard, shown: bool) -> None:
    """Predict and write the shard's photos that are not done yet."""
    job, photos = shard.job, shard.job.photos[shard.span]
    with Journal(shard.journal, shard.described) as journal, _Rows(shard, journal.end) as rows:
        left = [place for place, photo in enumerate(photos) if photo.name not in journal.done]
        if not left:
            return
        if (shard.device or "").startswith("cuda"):
            torch.cuda.set_device(shard.device)  # also for post-processors
        machine = replace(job.machine, device=shard.device)
        model = LoadedModel(registry, job.members, machine, job.vote, job.agree > 0)
        with ThreadPoolExecutor(max(LEAST_THREADS, cores() // shard.of)) as pool:
            worker = _Worker(shard, model, pool, journal, rows)
            shown_places = track(left, len(left), "predicting") if shown else left
            reads, pixels = (lambda place: _read(photos[place])), cache(lambda place: _pixels(photos[place]))
            for places, images in read_ahead(pool, reads, shown_places, job.machine.batch_size, pixels):
                held = sum(image.size // 3 for image in images if not isinstance(image, RecycleError))
                worker.predict(places, images)
                del images
                worker.settle(0 if held > BATCH_PIXELS else 1)  # nothing is held beside a huge photo
            worker.settle(0)


class _Worker:
    """Predicts batches, and has their pictures written by a pool's threads while the next are predicted."""

    def __init__(self, shard: Shard, model: LoadedModel, pool: Executor, journal: Journal, rows: _Rows) -> None:
        self._job, self._model, self._pool, self._journal, self._rows = shard.job, model, pool, journal, rows
        self._photos = shard.job.photos[shard.span]
        self._files = {output: shard.job.files(output)[shard.span] for output in shard.job.pictures}
        self._palette = np.array(model.palette, np.uint8)
        self._waiting: deque[tuple[list[InputPhoto], list[PendingOutput | RecycleError]]] = deque()

    def predict(self, places: list[int], images: list[NDArray[np.uint8] | RecycleError]) -> None:
        """Predict a batch and begin to write it; its photos are let go of when they are written."""
        good = [image for image in images if not isinstance(image, RecycleError)]
        scores = self._model.scores(good) if good else iter(())
        batch = [
            image if isinstance(image, RecycleError) else self._begun(place, image, next(scores))
            for place, image in zip(places, images, strict=True)
        ]
        self._waiting.append(([self._photos[place] for place in places], batch))

    def _begun(self, place: int, image: NDArray[np.uint8], scored: Iterable[Scores]) -> PendingOutput:
        """Begin to write what is predicted of a photo from its scores, and from the agreement of models where asked."""
        score, *agreement = scored
        own = {output: each[place] for output, each in self._files.items()}
        score = all_scores(score) if "probabilities" in own else score
        said = prediction_of(score, image.shape[0], image.shape[1], "confidence" in self._files)
        if agreement:
            alike = resize_labels(all_scores(agreement[0])[0].cpu().numpy(), *said.labels.shape)
            said.confidence[alike < self._job.agree] = 0
        shares = all_scores(score).softmax(0).half().cpu().numpy() if "probabilities" in own else None
        names = self._model.class_names
        written = self._pool.submit(write_outputs, self._job.owned, own, image, said, shares, self._palette, names)
        name, asked = self._photos[place].name, self._job.submission is not None
        return PendingOutput(written, self._pool.submit(submission_row, name, said.labels) if asked else None)

    def settle(self, most: int) -> None:
        """Wait until all but `most` batches are written, the oldest first: their rows, then that they are done."""
        while len(self._waiting) > most:
            entries: list[tuple[str, str | None, int]] = []
            for photo, said in zip(*self._waiting.popleft(), strict=True):
                fault, row = self._outcome(photo, said)
                if row is not None:
                    self._rows.add(row)
                entries.append((photo.name, fault, self._rows.end))
            self._rows.sync()
            self._journal.add(entries)

    def _outcome(self, photo: InputPhoto, said: PendingOutput | RecycleError) -> tuple[str | None, bytes | None]:
        """What is wrong with a photo, None if nothing, and its row of the submission, None if it has none."""
        filled = self._job.submission is not None and self._job.unreadable == "background"
        if isinstance(said, RecycleError):
            return said.args[0], submission_row(photo.name, UNREADABLE_LABELS) if filled else None
        row = said.row.result() if said.row is not None else None
        try:
            said.written.result()
        except NameTooLong as error:
            return error.args[0], row if filled else None
        return None, row


class _Rows:
    """The submission's rows so far, one for each photo that the journal calls done; to be used as a context."""

    def __init__(self, shard: Shard, end: int) -> None:
        self._handle = None
        self.end = end
        if shard.job.submission is None:
            return
        self._place = shard.rows
        try:
            shard.rows.parent.mkdir(parents=True, exist_ok=True)
            self._handle = open_state(shard.rows, "ab+")
            if self._handle.seek(0, 2) < end:
                raise RecycleError(f"{shard.rows} has lost rows that were written", "pass --force to begin anew")
            self._handle.truncate(end)
        except OSError as error:
            raise unwritable(shard.rows, error) from error

    def __enter__(self) -> _Rows:
        return self

    def __exit__(self, *_: object) -> None:
        if self._handle is not None:
            self._handle.close()

    def add(self, row: bytes) -> None:
        """Write a row."""
        assert self._handle is not None
        try:
            self.end += self._handle.write(row)
        except OSError as error:
            raise unwritable(self._place, error) from error

    def sync(self) -> None:
        """Bring what was written onto the disk."""
        if self._handle is None:
            return
        try:
            self._handle.flush()
            os.fsync(self._handle.fileno())
        except OSError as error:
            raise unwritable(self._place, error) from error


Read = NDArray[np.uint8] | RecycleError  # a photo, or why it cannot be read


def _pixels(photo: InputPhoto) -> int:
    try:
        return math.prod(photo.size or photo_size(photo.file))
    except RecycleError:
        return 0  # reading it will say why


def _read(photo: InputPhoto) -> Read:
    try:
        return photo.read()
    except RecycleError as error:
        return error
