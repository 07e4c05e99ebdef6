"""New photos from the training photos, with their labels, written by several processes."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import signal
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from recyclecli import __version__
from recyclecli.data.augmented import document, made_photo, source_photos
from recyclecli.data.fit import fit_sample
from recyclecli.data.folds import class_counts
from recyclecli.data.splits import Split
from recyclecli.data.write import write_photo
from recyclecli.engine.batch import augmented, build, seed_chance
from recyclecli.errors import RecycleError, RunFailed, listed, nearest
from recyclecli.files import refuse_overwrite, write_json
from recyclecli.plugins import Registry
from recyclecli.progress import track
from recyclecli.recipe import ListedPart
from recyclecli.types import Augmentation, Record, Sample, Source

TOGETHER = 8  # photos of a batch at most
PIXELS = 2**22  # and their pixels together, as far as that leaves two photos

Job = tuple[int, tuple[int, ...]]  # the number of its first new photo, the photos that they are made from


@dataclass(frozen=True, slots=True)
class Made:
    """What was made.

    Attributes:
        file: the COCO file.
        photos: new photos in it.
        pasted: objects in them that come from other photos.
        classes: class name to pasted objects.
        skipped: photos that cannot be read, and why; each gave nothing.
    """

    file: Path
    photos: int
    pasted: int
    classes: dict[str, int]
    skipped: dict[str, str]


class Training:
    """The training photos as an augmentation gets to see them: what it reads is known."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.class_names = source.class_names
        self.was_read = False
        self.unreadable: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._source)

    def record(self, index: int) -> Record:
        """See `Source`."""
        return self._source.record(index)

    def read(self, index: int) -> Sample:
        """See `Source`."""
        self.was_read = True
        try:
            return self._source.read(index)
        except RecycleError as error:
            self.unreadable[self._source.record(index).file_name] = str(error.args[0])
            raise


def make(
    registry: Registry,
    split: Split,
    parts: Sequence[ListedPart],
    out: Path,
    name: str,
    number: int,
    seed: int = 0,
    mode: Literal["add", "self"] = "add",
    background: Sequence[str] = (),
    size: int | None = None,
    device: str = "cpu",
    workers: int | None = None,
    strict: bool = False,
    force: bool = False,
) -> Made:
    """Write `number` new photos to out/name/ and out/name.json, from the training photos alone.

    On one kind of device a photo depends on the settings, `seed` and its number, however many
    processes make it. A call that was interrupted is gone on with by the same call.

    Args:
        registry: the installed components.
        split: whose training side is read; nothing else is.
        parts: augmentations with complete options, in order; one of them at most may paste.
        out: folder of the COCO file, which its file names are relative to.
        name: of the set.
        number: of new photos; each training photo is taken equally often.
        seed: of all chance.
        mode: `add` puts the training photos into the file too, `self` the new ones alone.
        background: change only photos that show one of these classes; all when empty.
        size: fit photos into size x size first.
        device: a torch device.
        workers: processes; one for each core when left out.
        strict: stop at the first photo that cannot be read, rather than skip it.
        force: replace a set of that name.

    Raises:
        RecycleError: an augmentation cannot be used offline, no photo shows a class of
            `background`, a photo cannot be read and `strict`, or none can.
        RunFailed: the disk is full, or a process was killed.
    """
    if not name or name != Path(name).name or name.startswith("."):
        raise RecycleError(f"--name {name!r}: no name of a file and of a folder", "use letters, digits, - and _")
    file, unfinished = out / f"{name}.json", out / f"{name}.unfinished"
    refuse_overwrite([file], force)
    checked_device(device)
    source = split.train
    settings = {
        "version": __version__,
        "parts": [(registry.find("augmentation", part.name).qualified, part.model_dump(mode="json")) for part in parts],
        "data": split.data.fingerprint,
        "number": number,
        "seed": seed,
        "background": list(background),
        "size": size,
        "device": device,
    }
    done = _begun(unfinished, hashlib.sha256(json.dumps(settings).encode()).hexdigest(), force)
    targets = shown_on(source, background)
    _refuse_own(source, out / name)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # before processes are forked, which would wait for threads that they lack
    training = Training(source)
    augmentations = [build(registry, part, training) for part in parts]
    if strict and training.unreadable:
        raise RecycleError(next(iter(training.unreadable.values())), "replace the file, or leave out --strict")
    together = TOGETHER if any(hasattr(one, "origins") for one in augmentations) else 1
    jobs = [job for job in plan(source, targets, number, seed, together, size) if job[0] not in done]
    maker = Maker(source, training, augmentations, out, name, number, seed, size, torch.device(device), strict)
    (out / name).mkdir(parents=True, exist_ok=True)
    _run(maker, jobs, unfinished, workers or _cores())
    torch.set_num_threads(threads)
    return _merged(source, training, out, name, mode, unfinished)


def checked_device(name: str) -> None:
    """Raise RecycleError where this machine has no such device; processes may still be forked afterwards."""
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise RecycleError(f"--device {name}: no such device", "use cpu, cuda or cuda:1") from error
    if device.type == "cuda" and torch.cuda.device_count() <= (device.index or 0):
        raise RecycleError(f"--device {name}: torch sees {torch.cuda.device_count()} CUDA device(s)", "use cpu")


def shown_on(source: Source, names: Sequence[str]) -> list[int]:
    """Indices of the photos that show one of these classes; all where no class is named."""
    if not names:
        return list(range(len(source)))
    for name in names:
        if name not in source.class_names:
            raise RecycleError(f"--background {name}: no such class", nearest(name, source.class_names))
    labels = [source.class_names.index(name) for name in names]
    found = np.flatnonzero(class_counts(source)[:, labels].any(1)).tolist()
    if not found:
        raise RecycleError(f"no training photo shows {listed(names)}", "see `recycle data stats`")
    return found


def plan(source: Source, targets: Sequence[int], number: int, seed: int, together: int, size: int | None) -> list[Job]:
    """Batches of photos of one size: round after round, in each every target once, in an order of chance."""
    jobs: list[Job] = []
    start = 0
    for turn in range(number):
        order = np.random.default_rng((seed, turn)).permutation(targets).tolist()
        sizes: dict[tuple[int, int], list[int]] = {}
        for index in order:
            record = source.record(index)
            sizes.setdefault((record.height, record.width) if size is None else (size, size), []).append(index)
        for (height, width), photos in sizes.items():
            most = min(together, max(2, PIXELS // (height * width)))
            for first in range(0, len(photos), most):
                if start >= number:
                    return jobs
                jobs.append((start, tuple(photos[first : first + most])))
                start += len(jobs[-1][1])
    return jobs


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the photos of a job; see `make` for the settings."""

    source: Source
    training: Training
    augmentations: list[Augmentation]
    out: Path
    name: str
    number: int
    seed: int
    size: int | None
    device: torch.device
    strict: bool

    def __call__(self, job: Job, part: Path) -> None:
        """Write the photos of a job, then what they show to `part`."""
        start, photos = job
        samples, skipped = {}, {}
        for place, index in enumerate(photos):
            try:
                sample = self.source.read(index)
                samples[place] = sample if self.size is None else fit_sample(sample, self.size)
            except RecycleError as error:
                if self.strict:
                    raise
                if start + place < self.number:
                    skipped[self.source.record(index).file_name] = str(error.args[0])
        made = []
        if samples:
            seed_chance(self.seed, start)
            ids = [photos[place] for place in samples]
            after = augmented(list(samples.values()), ids, self.augmentations, self.device)
            for place, sample, origins in zip(samples, after, self._origins(len(samples)), strict=True):
                if start + place < self.number:
                    made.append(self._written(start + place, photos[place], sample, origins))
        write_json(part, {"photos": made, "skipped": skipped})

    def _origins(self, count: int) -> list[dict[int, tuple[int, int]]]:
        telling = [one.origins() for one in self.augmentations if hasattr(one, "origins")]
        if len(telling) > 1:
            raise RecycleError("two of the augmentations paste objects", "make two sets, one after the other")
        if not telling and self.training.was_read:
            raise RecycleError(
                "the augmentation reads training photos and does not tell which of them it shows",
                "its class needs a method origins(), see recyclecli.types.Augmentation",
            )
        return telling[0] if telling else [{}] * count

    def _written(self, number: int, index: int, sample: Sample, origins: dict[int, tuple[int, int]]) -> dict[str, Any]:
        lossy = self.source.record(index).file.suffix.lower() in (".jpg", ".jpeg")
        file_name = f"{self.name}/{number:06d}{'.jpg' if lossy else '.png'}"
        write_photo(self.out / file_name, sample.image)
        return made_photo(self.source, sample, file_name, index, origins)


_maker: Maker | None = None  # of this process, where it makes photos for another


def _start(maker: Maker) -> None:
    global _maker
    _maker = maker
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asked decides


def _work(job: Job, part: Path) -> None:
    assert _maker is not None
    _maker(job, part)


def _run(maker: Maker, jobs: list[Job], unfinished: Path, workers: int) -> None:
    """Do the jobs in processes of their own; the first that fails ends them all."""
    if not jobs:
        return
    context = multiprocessing.get_context()
    pool = ProcessPoolExecutor(min(workers, len(jobs)), context, _start, (maker,))
    try:
        waiting: list[Future[None]] = [pool.submit(_work, job, unfinished / f"{job[0]:06d}.json") for job in jobs]
        for ready in track(as_completed(waiting), len(jobs), "making photos"):
            ready.result()
    except BrokenProcessPool as error:
        raise RunFailed(
            "a process that made photos was killed, most often for want of memory",
            "type the command again with fewer --workers; it goes on where it was",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _begun(unfinished: Path, digest: str, force: bool) -> set[int]:
    """The first numbers of the jobs that an interrupted call of the same settings did."""
    settings = unfinished / "settings.json"
    if settings.is_file() and json.loads(settings.read_text(encoding="utf-8")).get("digest") == digest:
        return {int(part.stem) for part in unfinished.glob("[0-9]*.json")}
    if unfinished.exists():
        if not force:
            raise RecycleError(
                f"{unfinished} is what an interrupted command with other settings or data left",
                "type that command again to go on with it, or pass --force to start anew",
            )
        shutil.rmtree(unfinished)
    write_json(settings, {"digest": digest})
    return set()


def _refuse_own(source: Source, folder: Path) -> None:
    """No training photo may lie where new ones are written."""
    for index in range(len(source)):
        if folder.absolute() in source.record(index).file.absolute().parents:
            raise RecycleError(f"{folder} holds photos of the training set", "choose another name with --name")


def _merged(
    source: Source, training: Training, out: Path, name: str, mode: Literal["add", "self"], unfinished: Path
) -> Made:
    parts = [json.loads(part.read_text(encoding="utf-8")) for part in sorted(unfinished.glob("[0-9]*.json"))]
    made = [photo for part in parts for photo in part["photos"]]
    skipped: dict[str, str] = training.unreadable | {key: why for part in parts for key, why in part["skipped"].items()}
    if not made:
        raise RecycleError(f"none of the {len(skipped)} photos can be read: {listed(skipped.values(), 1)}")
    own = list(source_photos(source, out)) if mode == "add" else []
    pasted = [shape for photo in made for shape in photo["objects"] if shape.get("provenance")]
    file = out / f"{name}.json"
    write_json(file, document(source.class_names, own + made))
    kept = {out / photo["file_name"] for photo in made}
    for photo in (out / name).glob("[0-9]*.*"):
        if photo not in kept:  # of a set that this one replaces
            photo.unlink()
    shutil.rmtree(unfinished)
    classes = Counter(source.class_names[shape["label"]] for shape in pasted)
    return Made(file, len(made), len(pasted), dict(classes.most_common()), skipped)
