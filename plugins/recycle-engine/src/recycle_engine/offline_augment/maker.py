"""Making new photos batch by batch, in several processes: a photo depends on the seed and its number alone."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from recycle_data.augmented import Origin, made_photo
from recycle_data.coco_folder import write_photo
from recycle_data.letterbox import fit_sample, framed, resize_image, resize_labels
from recycle_data.optional import tells_origins
from recycle_data.owned import Owned
from recycle_data.progress import track
from recycle_data.sources import read_labels, read_photo

from recycle_engine.batch import augmented, seed_chance
from recycle_engine.input_shape import InputShape, Sides
from recycle_engine.library_errors import memory_errors
from recycle_engine.process_pool import end_with, submit_all
from recyclecli.errors import RecycleError, RunFailed
from recyclecli.types import Augmentation, Record, Sample, Source

MAX_BATCH_PHOTOS = 8  # photos of a batch at most
MAX_AUGMENTED_PIXELS = 2**25  # of a photo at its own size: each takes some 75 bytes, and two are at hand
MAX_BATCH_PIXELS = 2**22  # and their pixels together, as far as that leaves two photos
KEPT = 2**29  # bytes of photos that an augmentation has read and that need not be read again
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h

Job = tuple[int, tuple[int, ...]]  # the number of its first new photo, the photos that they are made from


class Training:
    """The training photos as an augmentation gets to see them: what it reads is known, and kept for the processes.

    Attributes:
        were_read: indices of the photos that augmentations have read.
        unreadable: file name to why it could not.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._kept: dict[int, Sample] = {}
        self._room = KEPT
        self.class_names = source.class_names
        self.were_read: set[int] = set()
        self.unreadable: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_kept": {}}  # forked processes share it; to send it would cost more than to read

    def __len__(self) -> int:
        return len(self._source)

    def record(self, index: int) -> Record:
        """See `Source`."""
        return self._source.record(index)

    def read(self, index: int) -> Sample:
        """See `Source`."""
        self.were_read.add(index)
        try:
            sample = self._source.read(index)
        except RecycleError as error:
            self.unreadable[self._source.record(index).file_name] = str(error.args[0])
            raise
        self._room -= sum(part.nbytes for part in sample)
        if self._room > 0:
            self._kept[index] = sample
        return sample

    def again(self, index: int) -> Sample:
        """A photo that is to be changed: the one that was kept, else read."""
        return self._kept[index] if index in self._kept else self._source.read(index)

    def fitted(self, index: int, shape: InputShape) -> Sample:
        """A photo to be changed, in the window of `shape`; it and its labels are not held in full together."""
        record = self.record(index)
        inner, frame = shape.whole(record.height, record.width)
        if index in self._kept:
            return fit_sample(self._kept[index], inner, frame)
        image = resize_image(read_photo(self._source, index), *inner)
        mask, instances = read_labels(self._source, index)
        return framed(Sample(image, resize_labels(mask, *inner), resize_labels(instances, *inner)), frame)


def plan(
    source: Source, targets: Sequence[int], number: int, seed: int, together: int, frame: Sides | None
) -> list[Job]:
    """Batches of photos of one size: round after round, in each every target once, in an order of chance."""
    jobs: list[Job] = []
    start = 0
    for turn in range(number):
        order = np.random.default_rng((seed, turn)).permutation(targets).tolist()
        sizes: dict[tuple[int, int], list[int]] = {}
        for index in order:
            record = source.record(index)
            sizes.setdefault(frame or (record.height, record.width), []).append(index)
        for (height, width), photos in sizes.items():
            if height * width > MAX_AUGMENTED_PIXELS:
                name = source.record(photos[0]).file_name
                raise RecycleError(
                    f"{name} has {width}x{height} pixels, and at most {MAX_AUGMENTED_PIXELS} are augmented",
                    "fit the photos into a smaller size first, as with recycle aug --size 2048",
                )
            most = min(together, max(2, MAX_BATCH_PIXELS // (height * width)))
            for first in range(0, len(photos), most):
                if start >= number:
                    return jobs
                jobs.append((start, tuple(photos[first : first + most])))
                start += len(jobs[-1][1])
    return jobs


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the photos of a job; see `make` for the settings."""

    training: Training
    augmentations: Sequence[Augmentation]
    out: Path
    name: str
    number: int
    seed: int
    shape: InputShape | None
    device: torch.device
    strict: bool

    def __call__(self, job: Job, part: Path) -> None:
        """Write the photos of a job, then what they show to `part`."""
        start, photos = job
        samples, skipped = {}, {}
        for place, index in enumerate(photos):
            try:
                samples[place] = self._read(index)
            except RecycleError as error:
                if self.strict:
                    raise
                if start + place < self.number:
                    skipped[self.training.record(index).file_name] = str(error.args[0])
        made = []
        if samples:
            seed_chance(self.seed, start)
            ids = [photos[place] for place in samples]
            with memory_errors():
                after = augmented(list(samples.values()), ids, self.augmentations, self.device)
            for place, sample, origins in zip(samples, after, self._origins(len(samples)), strict=True):
                if start + place < self.number:
                    made.append(self._written(start + place, photos[place], sample, origins))
        read = sorted(self.training.were_read)
        Owned(part.parent).write_json(part, {"photos": made, "skipped": skipped, "read": read})

    def _read(self, index: int) -> Sample:
        """A photo in the size that is asked for; nothing is held of it at its own size then."""
        return self.training.again(index) if self.shape is None else self.training.fitted(index, self.shape)

    def _origins(self, count: int) -> list[dict[int, Origin]]:
        telling = [one.origins() for one in self.augmentations if tells_origins(one)]
        if len(telling) > 1:
            raise RecycleError("two of the augmentations paste objects", "make two sets, one after the other")
        if not telling and self.training.were_read:
            raise RecycleError(
                "the augmentation reads training photos and does not tell which of them it shows",
                "its class needs a method origins(), see recyclecli.types.Augmentation",
            )
        return telling[0] if telling else [{}] * count

    def _written(self, number: int, index: int, sample: Sample, origins: dict[int, Origin]) -> dict[str, Any]:
        lossy = self.training.record(index).file.suffix.lower() in (".jpg", ".jpeg")
        file_name = f"{self.name}/{number:06d}{'.jpg' if lossy else '.png'}"
        write_photo(Owned(self.out), self.out / file_name, sample.image)
        return made_photo(self.training, sample, file_name, index, origins)


_maker: Maker | None = None  # of this process, where it makes photos for another


def _start(maker: Maker, parent: int) -> None:
    global _maker
    end_with(parent)
    _maker = maker
    torch.set_num_threads(1)
    _keep_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asked decides


def _keep_memory() -> None:
    """Let glibc reuse the memory of batches: fetched anew from the system, each page costs a fault."""
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # others have none
        if mallopt is not None:
            mallopt(M_MMAP_THRESHOLD, 2**25)
            mallopt(M_TRIM_THRESHOLD, 2**30)


def _work(job: Job, part: Path) -> None:
    assert _maker is not None
    _maker(job, part)


def run_jobs(maker: Maker, jobs: list[Job], unfinished: Path, workers: int) -> None:
    """Do the jobs in processes of their own; the first that fails ends them all."""
    if not jobs:
        return
    context = multiprocessing.get_context()
    pool = ProcessPoolExecutor(min(workers, len(jobs)), context, _start, (maker, os.getpid()))
    try:
        waiting = submit_all(pool, _work, ((job, unfinished / f"{job[0]:06d}.json") for job in jobs))
        for ready in track(as_completed(waiting), len(jobs), "making photos"):
            ready.result()
    except BrokenProcessPool as error:
        raise RunFailed(
            "a process that made photos was killed, most often for want of memory",
            "type the command again with fewer --workers; it goes on where it was",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)
