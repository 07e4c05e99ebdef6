"""What happens around Lightning's loop: the weight average, the metrics file, the epoch's line."""

from __future__ import annotations

import csv
import io
import math
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.callbacks.weight_averaging import WeightAveraging

from recyclecli.engine.module import SCORE
from recyclecli.engine.runs import Run
from recyclecli.errors import RunFailed
from recyclecli.files import write_text


def weight_average(decay: float) -> WeightAveraging:
    """Exponential moving average of weights and buffers, young averages following faster.

    After n updates the decay is min(decay, (1 + n) / (10 + n)), as in TensorFlow's
    ExponentialMovingAverage, so that a short run is not an average of its beginning.
    """

    @torch.no_grad()
    def average(averaged: list[torch.Tensor], current: list[torch.Tensor], updates: torch.Tensor | int) -> None:
        count = int(updates)
        weight = 1 - min(decay, (1 + count) / (10 + count))
        if averaged[0].is_floating_point():
            torch._foreach_lerp_(averaged, current, weight)
        else:  # counters of batch normalisation
            torch._foreach_copy_(averaged, current)

    return WeightAveraging(multi_avg_fn=average)


class Keep(ModelCheckpoint):
    """Lightning's ModelCheckpoint whose memory of the best epoch survives a moved run folder."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the state, its paths turned to where the run lies now."""
        here = Path(str(self.dirpath))

        def moved(path: str) -> str:
            return str(here / Path(path).name) if path else path

        models = {moved(path): score for path, score in state_dict.get("best_k_models", {}).items()}
        paths = {key: moved(state_dict[key]) for key in ("best_model_path", "kth_best_model_path", "last_model_path")}
        super().load_state_dict({**state_dict, **paths, "dirpath": self.dirpath, "best_k_models": models})


def keep_checkpoints(run: Run) -> list[Callback]:
    """The best epoch's weights as safetensors, then the last epoch's full state."""
    folder = str(run.checkpoints.absolute())
    common: dict[str, Any] = {"save_on_train_epoch_end": True, "enable_version_counter": False}
    best = Keep(folder, filename=run.best.stem, monitor=SCORE, mode="max", save_top_k=1, **common)
    best.FILE_EXTENSION = run.best.suffix
    last = Keep(folder, filename=run.last.stem, save_top_k=1, **common)
    return [best, last]


class MetricsFile(Callback):
    """metrics.csv, one row per epoch; it only grows, and is cut to the checkpoint when resumed."""

    def __init__(self, run: Run, class_names: Sequence[str]) -> None:
        self._file = run.metrics
        names = ["train_loss", "val_loss", SCORE, *(f"iou/{name}" for name in class_names)]
        self._columns = ["epoch", "step", "seconds", "lr", *names]
        self._began = 0.0

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write the header of a new file, or drop the rows of epochs that will be run again."""
        if not trainer.is_global_zero:
            return
        rows: list[str] = []
        if self._file.is_file():
            rows = self._file.read_text(encoding="utf-8").splitlines()[1:]
        done = trainer.current_epoch
        kept = [row for row in rows if row.partition(",")[0].isdigit() and int(row.partition(",")[0]) < done]
        write_text(self._file, "\n".join([_line(self._columns), *kept, ""]))

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock."""
        self._began = time.perf_counter()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Append the epoch's row, and say it where there is no progress bar."""
        if not trainer.is_global_zero:
            return
        seconds = time.perf_counter() - self._began
        values = {name: float(value) for name, value in trainer.callback_metrics.items()}
        values["train_loss"] = values.get("train_loss_epoch", math.nan)
        if not math.isfinite(values["train_loss"]):  # before the checkpoints of this epoch are written
            raise RunFailed(
                f"the training loss is {values['train_loss']} in epoch {trainer.current_epoch + 1}",
                "lower train.lr, or use --precision 32; the last good epoch is kept",
            )
        values |= {"seconds": seconds, "lr": trainer.optimizers[0].param_groups[0]["lr"]}
        epoch, step = trainer.current_epoch, trainer.global_step
        row = [epoch, step, *(f"{values.get(name, math.nan):.6g}" for name in self._columns[2:])]
        with self._file.open("a", encoding="utf-8") as handle:
            handle.write(_line(row) + "\n")
            handle.flush()
            os.fsync(handle.fileno())
        if not sys.stderr.isatty():  # there the bar stays, with the same figures
            print(
                f"epoch {epoch + 1}/{trainer.max_epochs}  loss {values['train_loss']:.4f}  "
                f"val mIoU {values.get(SCORE, math.nan):.4f}  {seconds:.1f} s",
                file=sys.stderr,
            )


def _line(cells: Sequence[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()
