"""Finds the operations of a training after which Python waits for the GPU, with the lines that asked for them."""

from __future__ import annotations

import traceback
import warnings
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from gpu.settings import settings


def place(stack: traceback.StackSummary) -> str:
    """The innermost line of ours and the innermost of all, as `folder/file.py:12`."""
    frames = [frame for frame in stack if not {"waits.py", "warnings.py"} & {Path(frame.filename).name}]
    ours = [
        frame for frame in frames if "recycl" in Path(frame.filename).parent.as_posix().rpartition("site-packages")[2]
    ]
    found = [*frames[-1:], *ours[-1:]]
    return " in ".join(dict.fromkeys(f"{'/'.join(Path(one.filename).parts[-3:])}:{one.lineno}" for one in found))


class Waits(Callback):
    """Counts waits over some steps of the first epoch, and over one batch of its validation; on a CPU there are none.

    Args:
        first: step after which counting begins.
        steps: that are counted.

    Attributes:
        training: place to how often, in the counted steps.
        validation: the same, in the batch.
    """

    def __init__(self, first: int, steps: int) -> None:
        self.steps = steps
        self.training: Counter[str] = Counter()
        self.validation: Counter[str] = Counter()
        self._first = first
        self._watching = ExitStack()

    def _watch(self, counter: Counter[str]) -> None:
        if not settings().cuda:
            return

        def note(message: Warning | str, *rest: Any) -> None:
            if "synchroniz" in str(message):
                counter[place(traceback.extract_stack())] += 1

        self._watching.enter_context(warnings.catch_warnings())
        warnings.simplefilter("always")
        warnings.showwarning = note
        torch.cuda.set_sync_debug_mode("warn")
        self._watching.callback(torch.cuda.set_sync_debug_mode, "default")

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count from the end of one step to that of another."""
        if trainer.current_epoch == 0 and batch_idx == self._first:
            self._watch(self.training)
        if batch_idx == self._first + self.steps:
            self._watching.close()

    def on_validation_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Count from here."""
        self._watching.close()
        if trainer.current_epoch == 0 and batch_idx == 1:
            self._watch(self.validation)

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """To here."""
        self._watching.close()
