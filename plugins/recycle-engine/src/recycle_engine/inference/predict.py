"""Predicting any number of photos: resumable, on one device or several."""

from __future__ import annotations

import glob
import json
import logging
import multiprocessing
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from recycle_coco import has_background
from recycle_coco.json import read_json
from recycle_coco.paths import ANNOTATIONS_FILE, below
from recycle_data.identity import ALPHA_PROBED_FILES, SEVERAL, tell_transparent
from recycle_data.output_folder import refuse_output_folder
from recycle_data.owned import Owned
from recycle_data.palette import CLASS_COLORS_FILE
from recycle_data.progress import track
from recycle_data.replaced import will_read
from recycle_data.submission import SUBMISSION_HEADER
from recycle_data.vanished_outputs import refuse_gone

from recycle_engine.checkpoint import read_card
from recycle_engine.inference.job import Job, Shard
from recycle_engine.inference.journal import Journal, begins_as
from recycle_engine.inference.masks_coco import coco_of
from recycle_engine.inference.outputs import SUFFIXES
from recycle_engine.inference.worker import run_shard
from recycle_engine.judge.saved_predictions import RECORD_BYTES
from recycle_engine.process_pool import end_with, submit_all
from recyclecli.errors import RecycleError, RunFailed, counted, join_limited
from recyclecli.files import PART, refuse_overwrite, unwritable
from recyclecli.locks import held
from recyclecli.plugins import Registry, discover

log = logging.getLogger("recycle.engine")


ENDED = "a process that predicts was ended from outside", "type the same again: it goes on where it was"
PACKED = frozenset({".gz", ".zip", ".bz2", ".xz", ".zst", ".7z"})


@dataclass(frozen=True, slots=True)
class Predicted:
    """What became of a job.

    Attributes:
        photos: how many were predicted.
        masks: their files, where masks were asked for.
        failed: name to what was wrong, of the photos that could not be read or written, and of folders that could
            not be looked into.
        record: predicted.json.
    """

    photos: int
    masks: list[Path]
    failed: dict[str, str]
    record: Path


def devices_of(text: str | None) -> list[str | None]:
    """Torch devices by their names, as `cuda:0,cuda:1`, or so many GPUs, or CPU processes where there are none.

    Raises:
        RecycleError: there are not as many, or no such device.
    """
    if text is None:
        return [None]
    found = torch.cuda.device_count()
    if not text.isdecimal():
        for name in text.split(","):
            place = re.fullmatch(r"cpu|cuda(?::(\d+))?", name, re.ASCII)
            if place is None or (name != "cpu" and int(place[1] or 0) >= found):
                raise RecycleError(
                    f"no device {name!r}: there are {found} GPUs", "give a number, or names as cpu or cuda:0"
                )
        return ["cuda:0" if name == "cuda" else name for name in text.split(",")]
    count = int(text)
    if count < 1 or (found and count > found):
        raise RecycleError(
            f"asked for are {counted(count, 'device')}, there {counted(found, 'GPU')}", "ask for 1 or more of them"
        )
    return [f"cuda:{number}" if found else "cpu" for number in range(count)]


def predict(registry: Registry, job: Job, devices: Sequence[str | None] = (None,), force: bool = False) -> Predicted:
    """Do a job; if it was begun before and not finished, go on with it.

    A photo that cannot be read, or whose outputs' names are too long, is left out and named in
    the result; each other one is written before the next batch is. With several devices, each has
    a process of its own and a part of the photos.

    Args:
        registry: the installed components.
        job: what to do.
        devices: torch devices.
        force: start again, and replace files that exist.

    Raises:
        RecycleError: no photo can be read and written, a file exists and not `force`, another job was begun in
            that place, or it cannot be written to.
    """
    if job.out is None and job.submission is None:
        raise RecycleError("neither a folder nor a submission file is asked for", "name one with --out or --submission")
    for option, place in (("--out", job.out), ("--submission", job.submission)):
        if place == Path("-"):
            raise RecycleError(f"{option} -: outputs are files, and are not written to standard output", "name a place")
    if job.submission is not None and job.submission.suffix.lower() in PACKED:
        raise RecycleError(
            f"{job.submission} would be plain text, not {job.submission.suffix}",
            f"name it {job.submission.with_suffix('')}, and pack that",
        )
    if job.out is not None:
        refuse_output_folder(job.out)
    if job.unreadable == "background" and not has_background(tuple(read_card(job.members[0].weights)["class_names"])):
        raise RecycleError("no class of the run is the background", "leave out --unreadable background")
    if job.unreadable == "background" and job.submission is None:
        raise RecycleError("--unreadable background is about rows of a submission", "add --submission FILE")
    if doubled := sorted(name for name, count in Counter(photo.name for photo in job.photos).items() if count > 1):
        raise RecycleError(f"photos are named twice: {join_limited(doubled, 3)}", "name each once")
    if "coco" in job.outputs and "masks" not in job.outputs:
        job = replace(job, outputs=(*job.outputs, "masks"))
    with (
        held(job.out, within=True) if job.out is not None else nullcontext(),
        held(job.submission) if job.submission is not None else nullcontext(),
    ):
        return _predict(registry, job, devices, force)


def _predict(registry: Registry, job: Job, devices: Sequence[str | None], force: bool) -> Predicted:
    """What `predict` does with the place to itself."""
    will_read(photo.file for photo in job.photos)
    tell_transparent([photo.file for photo in job.photos if photo.file.suffix.lower() in SEVERAL][:ALPHA_PROBED_FILES])
    described = job.as_dict()
    shards = [Shard(job, described, number, len(devices), device) for number, device in enumerate(devices)]
    parts = _parts(job, job.record.name)
    _refuse_foreign_parts(job, described, parts)
    if parts and not force and (done := _done(job, described)) is not None:  # ended while it cleaned up
        for part in (*_parts(job, f"{job.record.stem}.csv"), *parts):
            part.unlink()
        return done
    if force or shards[0].journal not in parts:  # made before all work, and of all journals the last
        job.owned.refuse_overwrite(_targets(job), force)
        refuse_overwrite([job.submission] if job.submission else [], force)
        for part in parts:
            part.unlink()
        _remove_earlier(job)
    elif {part.name for part in parts} != {shard.journal.name for shard in shards}:
        raise RecycleError(
            f"{job.record.parent} holds the beginning of another job, on {counted(len(parts), 'device')}",
            "use as many, choose another folder, or pass --force to begin anew",
        )
    else:
        job.owned.refuse_foreign(_targets(job))
        if job.submission is not None:
            Owned(job.submission.parent).refuse_foreign([job.submission])
    if len(shards) == 1:
        run_shard(registry, shards[0], True)
    else:
        for shard in reversed(shards):
            Journal(shard.journal, described).close()
        _spread(shards)
    return _finish(job, shards)


def _parts(job: Job, name: str) -> list[Path]:
    """What an interrupted job left, by devices."""
    found = job.record.parent.glob(f"{glob.escape(name)}.*{PART}")
    return sorted(part for part in found if re.fullmatch(r"\.[0-9]+", part.name[len(name) : -len(PART)]))


def _refuse_foreign_parts(job: Job, described: Mapping[str, Any], journals: Sequence[Path]) -> None:
    """Raise RecycleError where a file has the name of a journal or of its rows, and is none."""
    told = {journal: begins_as(journal, described) for journal in journals}
    rows = {
        journal.with_name(f"{job.record.stem}.csv{journal.suffixes[-2]}{PART}")
        for journal in told
        if (told[journal] or {}).get("submission")
    }
    foreign = [journal for journal, said in told.items() if said is None]
    foreign += [part for part in _parts(job, f"{job.record.stem}.csv") if part not in rows and part.lstat().st_size]
    if foreign:
        raise RecycleError(
            f"{foreign[0]} is not what recycle wrote there: it is yours, so it is kept",
            "move it away, or choose another place",
        )


def _remove_earlier(job: Job) -> None:
    """Remove what an earlier job left of these photos in this place and this one does not replace; its record last."""
    try:
        earlier = list(read_json(job.record, "", RECORD_BYTES)["outputs"])
    except (RecycleError, KeyError, TypeError):
        earlier = []
    stale = [file for kind in SUFFIXES if kind in earlier and kind not in job.outputs for file in job.files(kind)]
    stale += [job.out / ANNOTATIONS_FILE] if job.out is not None and "coco" in earlier else []
    try:
        job.owned.remove([*stale, job.record])
    except OSError as error:
        raise unwritable(job.record, error) from error


def _targets(job: Job) -> list[Path]:
    """Every file that the job leaves but the submission."""
    files = [job.record]
    if job.out is not None:
        files += [job.out / CLASS_COLORS_FILE, *([job.out / ANNOTATIONS_FILE] if "coco" in job.outputs else [])]
    return files + [file for output in job.pictures for file in job.files(output)]


def _spread(shards: Sequence[Shard]) -> None:
    """One process for each shard; the bar follows their journals."""
    pool = ProcessPoolExecutor(len(shards), multiprocessing.get_context("spawn"))
    try:
        tasks = submit_all(pool, _work_alone, ((shard, os.getpid()) for shard in shards))
    except BrokenProcessPool as error:
        raise RunFailed(*ENDED) from error
    with pool:

        def steps() -> Iterator[int]:
            seen = 0
            while not all(task.done() for task in tasks):
                time.sleep(0.2)
                lines = (shard.journal.read_bytes().count(b"\n") - 1 for shard in shards if shard.journal.exists())
                done = max(sum(lines), seen)
                yield from range(seen, done)
                seen = done

        for _ in track(steps(), len(shards[0].job.photos), "predicting"):
            pass
        try:
            for task in tasks:
                task.result()
        except BrokenProcessPool as error:
            raise RunFailed(*ENDED) from error


def _work_alone(shard: Shard, parent: int) -> None:
    end_with(parent)
    if shard.device == "cpu":
        torch.set_num_threads(max(1, torch.get_num_threads() // shard.of))
    run_shard(discover(), shard, False)


def finished(job: Job) -> Predicted | None:
    """What became of a job that is done already; None where it is not."""
    return _done(job, job.as_dict())


def _done(job: Job, described: Mapping[str, Any]) -> Predicted | None:
    try:
        record = read_json(job.record, "", RECORD_BYTES)
        failed: dict[str, str] = record.pop("failed")
        record.pop("batch_size", None)  # what was done is the same with any, and 0.1 wrote none
    except (RecycleError, KeyError, AttributeError, TypeError):
        return None
    if not isinstance(failed, dict):
        return None
    return _result(job, failed) if record == json.loads(json.dumps(described)) else None


def _result(job: Job, failed: dict[str, str]) -> Predicted:
    every = zip(job.photos, job.files("masks"), strict=True) if "masks" in job.pictures else ()
    masks = [file for photo, file in every if photo.name not in failed]
    return Predicted(sum(photo.name not in failed for photo in job.photos), masks, failed, job.record)


def _finish(job: Job, shards: Sequence[Shard]) -> Predicted:
    """Put the parts together, and leave no trace of their having been parts."""
    done: dict[str, str | None] = {}
    for shard in shards:
        with Journal(shard.journal, shard.described) as journal:
            done |= journal.done
    failed = {name: fault for name, fault in done.items() if fault is not None}
    written: list[Path] = []
    for output in job.pictures:  # there is a file where an earlier job could read the photo
        every = [*zip(job.photos, job.files(output), strict=True)]
        job.owned.remove(file for photo, file in every if photo.name in failed)
        written += [file for photo, file in every if photo.name not in failed]
    if len(failed) == len(job.photos):
        _clear(shards)
        raise RecycleError(
            f"none of {counted(len(failed), 'photo')} can be read and written: {next(iter(failed.values()))}"
        )
    failed |= job.left_out
    if job.submission is not None:
        with Owned(job.submission.parent).atomic_path(job.submission) as part, part.open("wb") as handle:
            handle.write(SUBMISSION_HEADER)
            for shard in shards:
                with shard.rows.open("rb") as rows:
                    shutil.copyfileobj(rows, handle)
    card = read_card(job.members[0].weights)
    class_names = tuple(card["class_names"])
    result = _result(job, failed)
    if job.out is not None:
        if "coco" in job.outputs:
            good = [photo.name for photo in job.photos if photo.name not in failed]
            job.owned.write_json(job.out / ANNOTATIONS_FILE, coco_of(class_names, good, result.masks))
        pairs = enumerate(zip(class_names, card["palette"], strict=True))
        classes = [{"label": label, "name": name, "color": list(color)} for label, (name, color) in pairs]
        job.owned.write_json(job.out / CLASS_COLORS_FILE, classes)
    told: dict[str, Any] = {
        **shards[0].described,
        "batch_size": job.machine.photos_at_once(shards[0].device),
        "failed": failed,
    }
    job.owned.write_json(job.record, told, indent=1)
    _tell_others(job)
    job.owned.finish()
    _clear(shards)
    refuse_gone(written, "type the command again, with --force")
    return result


def _tell_others(job: Job) -> None:
    """Say which pictures in the folder are of photos that are not this job's."""
    for output in SUFFIXES if job.out is not None else ():
        assert job.out is not None
        own = set(job.files(output)) if output in job.pictures else set()
        others = [file for file in below(job.out / output) if file.name.endswith(SUFFIXES[output]) and file not in own]
        if others:
            log.warning(
                f"note: {job.out / output} holds {counted(len(others), 'file')} of other photos, as {others[0].name}"
            )


def _clear(shards: Sequence[Shard]) -> None:
    """Remove what tells how far a job is, the journals last: while one stands, the rest is found by it."""
    for shard in shards if shards[0].job.submission is not None else ():
        shard.rows.unlink(missing_ok=True)
    for shard in shards:
        shard.journal.unlink(missing_ok=True)
