"""Photos with their labels beside the curves: the first ones of the validation set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import MLFlowLogger, TensorBoardLogger, WandbLogger
from numpy.typing import NDArray

from recyclecli.types import IGNORE, Batch

PHOTOS = 4
IGNORED_PIXEL = 128  # of pixels that are ignored


class LogPredictions(Callback):
    """Shows each logger the same few validation photos after every epoch: photo, truth, prediction.

    Args:
        palette: one RGB colour per label.
    """

    reads_instances = False

    def __init__(self, palette: Sequence[tuple[int, int, int]]) -> None:
        self._colors = np.full((IGNORE + 1, 3), IGNORED_PIXEL, np.uint8)
        self._colors[: len(palette)] = palette

    def on_validation_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Draw the first batch."""
        if batch_idx or not trainer.is_global_zero or trainer.sanity_checking:
            return
        labels: torch.Tensor = outputs
        rows = []
        for image, truth, said in zip(batch.image[:PHOTOS], batch.mask[:PHOTOS], labels[:PHOTOS], strict=True):
            photo = (image.float().clamp(0, 1) * 255).byte().permute(1, 2, 0).cpu().numpy()
            drawn = [self._colors[part.byte().cpu().numpy()] for part in (truth, said)]
            rows.append(np.concatenate([photo, *drawn], 1))
        log_image(trainer, np.concatenate(rows))


def log_image(trainer: L.Trainer, picture: NDArray[np.uint8]) -> None:
    """Hand a picture (H, W, 3) uint8 to every logger that takes pictures."""
    for logger in trainer.loggers:
        if isinstance(logger, TensorBoardLogger):
            logger.experiment.add_image("photo, truth, prediction", picture, trainer.global_step, dataformats="HWC")
        elif isinstance(logger, WandbLogger):
            logger.log_image("photo, truth, prediction", [picture], step=trainer.global_step)
        elif isinstance(logger, MLFlowLogger):
            file = f"photos/{trainer.current_epoch:04d}.png"
            logger.experiment.log_image(logger.run_id, picture, file)
