"""Training speed with torch.compile; the first epoch of each compiles."""

from __future__ import annotations

import functools
import sys

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import nn

from gpu.settings import settings
from gpu.steps.speed import UNETPP
from gpu.training import Values, fitted, time_all

CASES: dict[str, Values] = {
    "compiled": {"train.compile": True},
    "unetpp, EfficientNet-b5, batch 16, compiled": {**UNETPP, "train.compile": True},
    "deterministic, compiled": {"train.compile": True, "train.deterministic": True},
}


class StillCompiled(Callback):
    """Fails a training that went on without the compiler."""

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look at the model."""
        if pl_module.model._compiled_call_impl is None:
            raise RuntimeError("torch.compile failed, and the training went on without")


def main() -> None:
    """Time all of them; in a rehearsal one, whose graph is captured and run as it is: compiling takes a CPU minutes."""
    cases = list(CASES.items())
    if settings().small:
        del cases[1:]
        nn.Module.compile = functools.partialmethod(nn.Module.compile, backend="eager")
    sys.exit(not time_all(fitted(cases), [StillCompiled()]))


if __name__ == "__main__":
    main()
