"""torch's profiler over some steps of a training, and what its events say of the GPU's pauses."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch.profiler import ProfilerActivity, profile

from gpu.settings import settings
from gpu.timing import synchronize

WORK = ("kernel", "gpu_memcpy", "gpu_memset")  # categories of a trace's events that are work of the GPU


class Work(NamedTuple):
    """Something that the GPU did: when it began and ended in microseconds, and its name."""

    began: float
    ended: float
    name: str


class Pause(NamedTuple):
    """When the GPU did nothing: microseconds, and the names of the work before and after."""

    length: float
    before: str
    after: str


def work_of(trace: Path) -> list[Work]:
    """The work of the GPU in a trace in Chrome's format, by its beginning."""
    events: list[dict[str, Any]] = json.loads(trace.read_text())["traceEvents"]
    return sorted(Work(one["ts"], one["ts"] + one["dur"], one["name"]) for one in events if one.get("cat") in WORK)


def pauses(work: Iterable[Work]) -> tuple[float, list[Pause]]:
    """The share of the time from the first work's beginning to the last one's end that is work, and the pauses.

    Args:
        work: by its beginning; streams may overlap.

    Raises:
        ValueError: there is none.
    """
    before, found = None, []
    began, ended = 0.0, 0.0
    for one in work:
        if before is None:
            began, ended = one.began, one.began
        elif one.began > ended:
            found.append(Pause(one.began - ended, before, one.name))
        if one.ended >= ended:
            ended, before = one.ended, one.name
    if before is None or ended == began:
        raise ValueError("no work of a GPU in the trace")
    return 1 - sum(pause.length for pause in found) / (ended - began), sorted(found, reverse=True)


class Trace(Callback):
    """Profiles some steps of the second epoch.

    Args:
        first: step that is the first.
        steps: how many.
    """

    def __init__(self, first: int, steps: int) -> None:
        self.first, self.steps = first, steps
        kinds = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if settings().cuda else [])]
        self.profile = profile(activities=kinds)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Begin."""
        if trainer.current_epoch == 1 and batch_idx == self.first:
            synchronize()
            self.profile.start()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """End."""
        if trainer.current_epoch == 1 and batch_idx == self.first + self.steps - 1:
            synchronize()
            self.profile.stop()

    def table(self, rows: int) -> str:
        """The operations that take most."""
        order = "self_device_time_total" if torch.cuda.is_available() else "self_cpu_time_total"
        return str(self.profile.key_averages().table(sort_by=order, row_limit=rows, max_name_column_width=60))

    def write(self, file: Path) -> list[Work]:
        """Write the trace, packed; the work of the GPU in it."""
        plain = file.with_suffix("")
        self.profile.export_chrome_trace(str(plain))
        file.write_bytes(gzip.compress(plain.read_bytes(), 6))
        work = work_of(plain)
        plain.unlink()
        return work
