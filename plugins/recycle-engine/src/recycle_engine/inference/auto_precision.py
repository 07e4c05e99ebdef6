"""The precision `auto`: bf16 on a GPU that computes in it, where it gives the labels of 32 bits."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from recycle_engine.checkpoint import TrainedModel
from recycle_engine.inference.engines import TORCH
from recycle_engine.inference.infer import BATCH_PIXELS, Precision
from recycle_engine.inference.job import Job
from recycle_engine.inference.loaded import LoadedModel
from recyclecli.errors import RecycleError, RunFailed, counted
from recyclecli.plugins import Registry

log = logging.getLogger("recycle.engine")

AskedPrecision = Literal["auto", "32", "bf16", "16"]
TRIED = 8  # photos, from all over the job
LEAST_SHARE = 0.999  # of pixels with the same label


def computes_in_bf16(device: str | None) -> bool:
    """Whether a torch device, the first GPU where none is named, is a GPU with bf16."""
    return torch.cuda.is_available() and device != "cpu" and torch.cuda.is_bf16_supported()


def settled(registry: Registry, job: Job, device: str | None) -> Job:
    """The job in bf16 where that is faster and at least `LEAST_SHARE` of its labels are those of 32 bits."""
    if not computes_in_bf16(device) or any(member.engine != TORCH for member in job.members):
        return job
    if not (photos := list(_tried(job))):
        return job
    read: dict[tuple[Path, str], TrainedModel] = {}

    def labels(precision: Precision) -> list[NDArray[np.uint8]]:
        machine = replace(job.machine, device=device, precision=precision)
        with LoadedModel(registry, job.members, machine, job.vote, weights=read) as model:
            return [said.labels for said in model.each(photos, confidence=False)]

    try:
        pairs = list(zip(labels("32"), labels("bf16"), strict=True))
    except RunFailed:  # scores that are no numbers: at 32 bits the prediction itself tells
        return job
    share = sum(int((one == other).sum()) for one, other in pairs) / sum(one.size for one, _ in pairs)
    taken: Precision = "bf16" if share >= LEAST_SHARE else "32"
    log.info(f"precision {taken}: at bf16 {share:.3%} of the labels of {counted(len(photos), 'photo')} are those of 32")
    return replace(job, machine=replace(job.machine, precision=taken))


def _tried(job: Job) -> Iterator[NDArray[np.uint8]]:
    for place in sorted({len(job.photos) * number // TRIED for number in range(TRIED if job.photos else 0)}):
        try:
            photo = job.photos[place].read()
        except RecycleError:  # the prediction says so
            continue
        if photo.size // 3 * TRIED <= BATCH_PIXELS:
            yield photo
