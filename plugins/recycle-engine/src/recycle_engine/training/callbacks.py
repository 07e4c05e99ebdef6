"""What an epoch leaves behind: checkpoints, a row of metrics.csv, a line on the terminal."""

from __future__ import annotations

import csv
import logging
import math
import os
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from recycle_coco.table import csv_cell

from recycle_engine.history.metrics import PER_CLASS, SCORE
from recycle_engine.runs import Run
from recycle_engine.training.background_checkpoints import BackgroundCheckpointIO
from recyclecli.errors import RecycleError, join_limited
from recyclecli.files import write_text
from recyclecli.reading import read_text

PER_STEP = frozenset({"train_loss_step", "train_loss_epoch"})  # Lightning's names of train_loss

log = logging.getLogger("recycle.engine")


class RelocatableCheckpoint(ModelCheckpoint):
    """Lightning's ModelCheckpoint whose memory of the best epoch survives a moved run folder."""

    reads_instances = False

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """End a training whose checkpoint could not be written meanwhile, as on a full disk."""
        if isinstance(trainer.strategy.checkpoint_io, BackgroundCheckpointIO):
            trainer.strategy.checkpoint_io.raise_failure()

    @property
    def state_key(self) -> str:
        """Under what its memory is saved: several of one score differ by their file names."""
        return f"{super().state_key}{self.filename}"

    def format_checkpoint_name(self, metrics: dict[str, torch.Tensor], *further: Any, **named: Any) -> str:
        """A file's name, in which `monitored` is the score, whatever a class is called."""
        known = {"monitored": metrics[self.monitor]} if self.monitor in metrics else {}
        return super().format_checkpoint_name({**metrics, **known}, *further, **named)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the state, its paths turned to where the run lies now."""
        here = Path(str(self.dirpath))

        def moved(path: str) -> str:
            return str(here / Path(path).name) if path else path

        models = {moved(path): score for path, score in state_dict.get("best_k_models", {}).items()}
        paths = {key: moved(state_dict[key]) for key in ("best_model_path", "kth_best_model_path", "last_model_path")}
        super().load_state_dict({**state_dict, **paths, "dirpath": self.dirpath, "best_k_models": models})


def keep_checkpoints(run: Run, count: int, score: str, mode: Literal["min", "max"]) -> list[Callback]:
    """The weights of the best epochs as safetensors, then the last epoch's full state.

    The best is always `run.best`; where more than one is kept, all are in a folder beside it as well,
    named by epoch and score.
    """
    folder = run.checkpoints.absolute()
    common: dict[str, Any] = {"save_on_train_epoch_end": True, "enable_version_counter": False}
    best = RelocatableCheckpoint(str(folder), filename=run.best.stem, monitor=score, mode=mode, save_top_k=1, **common)
    best.FILE_EXTENSION = run.best.suffix
    last = RelocatableCheckpoint(str(folder), filename=run.last.stem, save_top_k=1, **common)
    if count == 1:
        return [best, last]
    top = RelocatableCheckpoint(
        str(folder / "top"),
        filename="{epoch:04d}-{monitored:.4f}",
        monitor=score,
        mode=mode,
        save_top_k=count,
        auto_insert_metric_name=False,
        **common,
    )
    top.FILE_EXTENSION = run.best.suffix
    return [best, top, last]


class MetricsFile(Callback):
    """metrics.csv, one row per epoch; it only grows, and is cut to the checkpoint when resumed.

    What callbacks log has columns after ours, from the first epoch on in which there is such a value.

    Args:
        run: whose file it is.
        class_names: K names.
        score: what the recipe monitors; RecycleError after an epoch in which nothing has logged it.
    """

    def __init__(self, run: Run, class_names: Sequence[str], score: str) -> None:
        self._file, self._score = run.metrics, score
        names = ["train_loss", "val_loss", SCORE, *(f"{PER_CLASS}{name}" for name in class_names)]
        self._columns = ["epoch", "step", "seconds", "lr", *names]
        self._began, self._told_nan = 0.0, False

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write the header of a new file, or drop the rows of epochs that will be run again."""
        if not trainer.is_global_zero:
            return
        headings, *rows = read_text(self._file).splitlines() if self._file.exists() else [_line(self._columns)]
        self._columns += [name for name in next(csv.reader([headings])) if name not in self._columns]
        done = trainer.current_epoch
        epochs = [int(cell) if cell.isdecimal() else done for cell in (row.partition(",")[0][:9] for row in rows)]
        kept = [row for row, epoch in zip(rows, epochs, strict=True) if epoch < done]
        write_text(self._file, "\n".join([_line(self._columns), *kept, ""]))

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock."""
        self._began = time.perf_counter()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Append the epoch's row, and log it."""
        if not trainer.is_global_zero:
            return
        seconds = time.perf_counter() - self._began
        values = {name: float(value) for name, value in trainer.callback_metrics.items()}
        values["train_loss"] = values.get("train_loss_epoch", math.nan)
        further = sorted(values.keys() - set(self._columns) - PER_STEP)
        if self._score not in values:
            raise RecycleError(
                f"train.monitor = {self._score!r}: no callback has logged it in an epoch",
                f"callbacks have logged {join_limited(further)}"
                if further
                else "name a callback in train.callbacks that does",
            )
        if math.isnan(values[self._score]) and not self._told_nan:
            self._told_nan = True
            log.warning(
                f"note: {self._score} is NaN in epoch {trainer.current_epoch + 1}: such epochs are never the best"
            )
        self._take_columns(further)
        values |= {"seconds": seconds, "lr": max(group["lr"] for group in trainer.optimizers[0].param_groups)}
        epoch, step = trainer.current_epoch, trainer.global_step
        row = [epoch, step, *(f"{values.get(name, math.nan):.6g}" for name in self._columns[2:])]
        with self._file.open("a", encoding="utf-8") as handle:
            handle.write(_line(row) + "\n")
            handle.flush()
            os.fsync(handle.fileno())
        left = timedelta(seconds=round(seconds * ((trainer.max_epochs or 0) - epoch - 1)))
        log.info(
            f"epoch {epoch + 1}/{trainer.max_epochs}  loss {values['train_loss']:.4f}  "
            f"val mIoU {values.get(SCORE, math.nan):.4f}  {seconds:.1f} s, {left} left"
        )

    def _take_columns(self, names: Sequence[str]) -> None:
        """Give the file columns for values that were not logged before; earlier epochs have none."""
        if names:
            rows = read_text(self._file).splitlines()[1:]
            missing = ",nan" * len(names)
            self._columns += names
            write_text(self._file, "\n".join([_line(self._columns), *(f"{row}{missing}" for row in rows), ""]))


def _line(cells: Sequence[Any]) -> str:
    return ",".join(csv_cell(str(cell)) for cell in cells)
