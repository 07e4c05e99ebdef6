"""One line in the terminal while a training goes on; its finished epochs are logged above."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import lightning as L
from recycle_data.progress import terminal_bar


class TrainingBar(L.Callback):
    """Shows how many batches of an epoch, and of its validation, are done; nothing where there is no terminal."""

    reads_instances = False

    def __init__(self) -> None:
        self._shown = ExitStack()

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Put the bar on the first process's terminal."""
        self._bar = self._shown.enter_context(terminal_bar()) if trainer.is_global_zero else None
        if self._bar:
            self._task = self._bar.add_task("starting", total=None)

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Take it off, also after an error."""
        self._shown.close()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin to count batches."""
        self._begin(f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}", int(trainer.num_training_batches))

    def on_validation_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin to count batches of validation."""
        self._begin("validating", int(sum(trainer.num_val_batches)))

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *args: Any) -> None:
        """Count a batch."""
        self._advance()

    def on_validation_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *args: Any) -> None:
        """Count a batch."""
        self._advance()

    def _begin(self, label: str, batches: int) -> None:
        if self._bar:
            self._bar.reset(self._task, total=batches, description=label)

    def _advance(self) -> None:
        if self._bar:
            self._bar.advance(self._task)
