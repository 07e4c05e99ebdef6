"""Predicting a part of the photos on one device, each written as it is done."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from recycle_coco import photo_size
from recycle_data.letterbox import resize_labels
from recycle_data.progress import track
from recycle_data.submission import submission_row

from recycle_engine.inference.infer import BATCH_PIXELS, batches
from recycle_engine.inference.job import Shard
from recycle_engine.inference.journal import Journal
from recycle_engine.inference.loaded import LoadedModel
from recycle_engine.inference.outputs import write_outputs
from recycle_engine.inference.photos import InputPhoto
from recycle_engine.inference.scores import prediction_of
from recyclecli.errors import RecycleError
from recyclecli.files import NameTooLong, open_state, unwritable
from recyclecli.plugins import Registry

BACKGROUND = np.zeros((1, 1), np.uint8)  # labels of a photo that cannot be read


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
        machine = replace(job.machine, device=shard.device)
        if (shard.device or "").startswith("cuda"):
            torch.cuda.set_device(shard.device)  # also for post-processors
        model = LoadedModel(registry, job.members, machine, job.vote, job.agree > 0)
        palette = np.array(model.palette, np.uint8)
        files = {output: job.files(output)[shard.span] for output in job.pictures}
        filled = job.submission is not None and job.unreadable == "background"
        waiting: deque[tuple[list[InputPhoto], list[PendingOutput | RecycleError]]] = deque()
        with ThreadPoolExecutor(4) as pool:

            def settle() -> None:
                """Wait until the oldest batch is written, rows first, then say so."""
                entries: list[tuple[str, str | None, int]] = []
                for photo, said in zip(*waiting.popleft(), strict=True):
                    fault, row = None, None
                    if isinstance(said, RecycleError):
                        fault, row = said.args[0], submission_row(photo.name, BACKGROUND) if filled else None
                    else:
                        row = said.row.result() if said.row is not None else None
                        try:
                            said.written.result()
                        except NameTooLong as error:
                            fault, row = error.args[0], row if filled else None
                    if row is not None:
                        rows.add(row)
                    entries.append((photo.name, fault, rows.end))
                rows.sync()
                journal.add(entries)

            def label(places: list[int], images: list[NDArray[np.uint8] | RecycleError]) -> None:
                """Predict a batch and begin to write it; its photos are let go of when they are written."""
                good = [image for image in images if not isinstance(image, RecycleError)]
                scores = model.scores(good) if good else iter(())
                batch: list[PendingOutput | RecycleError] = []
                for place, image in zip(places, images, strict=True):
                    if isinstance(image, RecycleError):
                        batch.append(image)
                        continue
                    score, *agreement = next(scores)
                    said = prediction_of(score, image.shape[0], image.shape[1], "confidence" in files)
                    if agreement:
                        alike = resize_labels(agreement[0][0].cpu().numpy(), *said.labels.shape)
                        said.confidence[alike < job.agree] = 0
                    own = {output: each[place] for output, each in files.items()}
                    shares = score.softmax(0).half().cpu().numpy() if "probabilities" in own else None
                    written = pool.submit(
                        write_outputs, job.owned, own, image, said, shares, palette, model.class_names
                    )
                    row = pool.submit(submission_row, photos[place].name, said.labels) if job.submission else None
                    batch.append(PendingOutput(written, row))
                waiting.append(([photos[place] for place in places], batch))

            shown_places = track(left, len(left), "predicting") if shown else left
            for places, images in _read_ahead(pool, photos, shown_places, job.machine.batch):
                held = sum(image.size // 3 for image in images if not isinstance(image, RecycleError))
                label(places, images)
                del images
                while len(waiting) > (0 if held > BATCH_PIXELS else 1):  # nothing is held beside a huge photo
                    settle()
            while waiting:
                settle()


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


def _read_ahead(
    pool: ThreadPoolExecutor, photos: Sequence[InputPhoto], left: Iterable[int], size: int
) -> Iterator[tuple[list[int], list[NDArray[np.uint8] | RecycleError]]]:
    """Batches of photos, or what is wrong with them; the next is read while the last is looked at.

    A batch of more than `BATCH_PIXELS`, which is one huge photo, is read when the last is done with.
    """

    @cache
    def pixels(place: int) -> int:
        try:
            return math.prod(photos[place].size or photo_size(photos[place].file))
        except RecycleError:
            return 0  # reading it will say why

    def read(place: int) -> NDArray[np.uint8] | RecycleError:
        try:
            return photos[place].read()
        except RecycleError as error:
            return error

    ahead: deque[tuple[list[int], list[Future[NDArray[np.uint8] | RecycleError]]]] = deque()
    for places in batches(left, size, pixels):
        if sum(map(pixels, places)) > BATCH_PIXELS:
            while ahead:
                first, images = ahead.popleft()
                yield first, [image.result() for image in images]
                del images
            yield places, [read(place) for place in places]
            continue
        ahead.append((places, [pool.submit(read, place) for place in places]))
        if len(ahead) > 1:
            first, images = ahead.popleft()
            yield first, [image.result() for image in images]
            del images
    while ahead:
        first, images = ahead.popleft()
        yield first, [image.result() for image in images]
