"""Lightning's progress bar, above which printed names stay printable."""

from __future__ import annotations

import sys
from typing import TextIO, cast

import lightning as L
from lightning.pytorch.callbacks import RichProgressBar

from recyclecli.printable import PrintableStream


class ProgressBar(RichProgressBar):
    """Escapes what is printed while it is shown before rich reads it as a terminal would."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the bar; at its end it restores the streams that were there before."""
        super().on_train_start(trainer, pl_module)
        sys.stdout, sys.stderr = (cast(TextIO, PrintableStream(stream)) for stream in (sys.stdout, sys.stderr))
