"""Trainings as `recycle train` makes them, timed."""

from __future__ import annotations

import gc
import shutil
import traceback
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import Callback
from recycle_engine import api

from gpu.figures import note
from gpu.settings import settings
from gpu.timeline import Timeline

Values = Mapping[str, Any]


def data(weight: float = 1) -> dict[str, Any]:
    """The settings of the photos; each of those that are trained on comes `weight` times an epoch."""
    check = settings()
    parts = {name: {"root": check.photos, "json": str(check.photos / f"{name}.json")} for name in ("train", "val")}
    listed = {"data.train": [{**parts["train"], "weight": weight}], "data.val": [parts["val"]]}
    return {"data.root": check.photos, "data.size": check.size, **listed}


def train(values: Values, callbacks: Sequence[Callback] = (), name: str = "scratch") -> Path:
    """Train in place of an earlier run of that name; the run's folder."""
    runs = settings().runs
    shutil.rmtree(runs / name, ignore_errors=True)
    return Path(api.train(values, name=name, runs=runs, callbacks=callbacks).run.folder)


def timed(values: Values, callbacks: Sequence[Callback] = (), name: str = "scratch") -> Timeline:
    """Train as settings say beside those of the data and time it."""
    small = settings().small
    line = Timeline(1 if small else 4)
    weight = 1 if small else max(2, values.get("train.batch_size", 8) / 4)  # more batches than are read ahead
    train({**data(weight), "train.epochs": 2 if small else 3, **values}, [line, *callbacks], name)
    return line


def time_all(cases: Mapping[str, Values], callbacks: Sequence[Callback] = ()) -> bool:
    """Time a training for each case and note it; one that fails ends none of the others. Whether all went well."""
    failed = [name for name, values in cases.items() if not _noted(name, values, callbacks)]
    return not failed


def _noted(name: str, values: Values, callbacks: Sequence[Callback]) -> bool:
    try:
        note(f"training: {name}", timed(values, callbacks).told())
    except Exception:
        print(f"training: {name}: failed", flush=True)
        traceback.print_exc()
        return False
    finally:
        gc.collect()
        torch.cuda.empty_cache()
    return True


def fitted(cases: Iterable[tuple[str, Values]]) -> dict[str, Values]:
    """The cases, all with a tiny encoder, small batches and no report in a rehearsal."""
    tiny = {
        "model.encoder": "tu-test_efficientnet",
        "model.weights": "none",
        "train.batch_size": 4,
        "train.callbacks": [],
    }
    return {name: {**values, **(tiny if settings().small else {})} for name, values in cases}
