"""Photos per second that loading processes give while nothing else goes on: what a GPU can be fed."""

from __future__ import annotations

import os
import time
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from gpu.figures import note
from gpu.settings import settings
from gpu.training import data, train

TINY = {"model.encoder": "tu-test_efficientnet", "model.weights": "none", "train.epochs": 1, "train.callbacks": []}
BATCH = 16


class Drain(Callback):
    """Goes through a training's own loader once more after it, when its processes have started."""

    rate = 0.0

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Time one pass."""
        loader: Any = trainer.train_dataloader
        began, seen = time.perf_counter(), 0
        for batch in loader:
            seen += len(batch.ids)
        self.rate = seen / (time.perf_counter() - began)


def main() -> None:
    """Time the loader of a training with few and with many processes."""
    check = settings()
    cores = len(os.sched_getaffinity(0))
    for workers in (0, 2) if check.small else sorted({1, 4, 8, min(15, cores)}):
        if workers > max(2, cores):
            continue
        drain, batch = Drain(), 4 if check.small else BATCH
        weight = 1 if check.small else 2 * max(1, workers)
        train({**data(weight), **TINY, "data.workers": workers, "train.batch_size": batch}, [drain])
        note(f"{workers} loading processes, crops of {check.size}x{check.size}", f"{drain.rate:.0f} photos/s")


if __name__ == "__main__":
    main()
