"""Parts of a model that do not learn, for a while or at all."""

from __future__ import annotations

import lightning as L
from lightning.pytorch.callbacks import Callback
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from recycle_engine.training.module import SegmentationModule
from recycle_engine.training.optim import encoder_of
from recyclecli.settings import TrainSection


class FreezeEncoder(Callback):
    """Keeps the encoder as it is for the first epochs, and batch normalisation for all of them.

    A frozen encoder uses its running statistics and gets no gradient. Frozen normalisation uses
    them too; its scale and shift go on learning.

    Raises:
        RecycleError: the encoder is to be frozen, and the model has no attribute `encoder`.
    """

    def __init__(self, settings: TrainSection, model: nn.Module) -> None:
        self._epochs = settings.freeze_epochs
        self._norm = settings.freeze_norm
        if self._epochs:
            encoder_of(model)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Freeze what this epoch keeps, and let go of the rest."""
        assert isinstance(pl_module, SegmentationModule)
        if self._epochs:
            frozen = trainer.current_epoch < self._epochs
            encoder = encoder_of(pl_module.model)
            encoder.requires_grad_(not frozen)
            encoder.train(not frozen)
        if self._norm:
            for module in pl_module.model.modules():
                if isinstance(module, _BatchNorm):
                    module.eval()
