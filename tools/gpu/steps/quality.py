"""The default recipe against the contest team's way: as many seconds of training each, judged by one judge."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from recycle_engine import api

from gpu.figures import note
from gpu.settings import settings
from gpu.training import data, fitted

SECONDS = 100  # of training, validation left out
TRIED = 3  # epochs that tell how long one takes, the first of which is not counted
WAYS: dict[str, tuple[str | None, Mapping[str, Any]]] = {
    "contest's way": ("contest", {"model.encoder": "tu-tf_efficientnet_lite0", "model.weights": "packaged"}),
    "default recipe": (None, {}),
}


class Clock(Callback):
    """Seconds of the training of each epoch."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin an epoch."""
        self._began, self._spent = time.perf_counter(), 0.0

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop the clock."""
        self.seconds.append(time.perf_counter() - self._began)


def trained(name: str, way: str, epochs: int, clock: Clock) -> Path:
    """Train one way for so many epochs; the run's folder."""
    recipe, changes = WAYS[way]
    changes = {**changes, "model": "linknet"} if settings().small else changes
    ((_, values),) = fitted([(way, {**data(), **changes, "train.epochs": epochs})]).items()
    shutil.rmtree(settings().runs / name, ignore_errors=True)
    return Path(api.train(values, recipe=recipe, name=name, runs=settings().runs, callbacks=[clock]).run.folder)


def main() -> None:
    """Find how many epochs each way has time for, train it, and compare both on the validation photos."""
    small = settings().small
    runs: dict[str, Any] = {}
    for way in WAYS:
        clock = Clock()
        trained("scratch", way, 2 if small else TRIED, clock)
        epochs = 2 if small else max(1, math.floor(SECONDS / min(clock.seconds[1:])))
        clock = Clock()
        runs[way] = trained(way.replace(" ", "-").replace("'", ""), way, epochs, clock)
        score = api.evaluate(runs[way]).miou_dataset
        note(f"quality: {way}, {sum(clock.seconds):.0f} s of training", f"{epochs} epochs, mIoU {score:.3f}")
    (found,) = api.compare(runs)
    gain = found.difference
    note("quality: gain of the default recipe, mIoU", f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]")


if __name__ == "__main__":
    main()
