"""A run that goes on for more epochs than it was begun with."""

from __future__ import annotations

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from torch.optim.lr_scheduler import ReduceLROnPlateau

from recycle_engine.training.module import SegmentationModule


class NewLength(Callback):
    """Sets the rate to what a run of the new length has at this step, and counts epochs without a better score anew."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Change what the checkpoint brought along from the old length."""
        assert isinstance(pl_module, SegmentationModule)
        for stop in trainer.early_stopping_callbacks:
            stop.wait_count = 0
        schedulers = [config.scheduler for config in trainer.lr_scheduler_configs]
        if any(isinstance(one, ReduceLROnPlateau) for one in schedulers):
            return  # its rate follows the score, not the length
        (optimizer,) = trainer.optimizers
        groups = [{"params": [torch.zeros(1)], "lr": group["initial_lr"]} for group in optimizer.param_groups]
        stand_in = torch.optim.SGD(groups, lr=0.0)
        rehearsed = [config["scheduler"] for config in pl_module.schedulers(stand_in)]
        for scheduler, new in zip(schedulers, rehearsed, strict=True):
            for _ in range(trainer.global_step):
                stand_in.step()
                new.step()
            scheduler.load_state_dict(new.state_dict())
        for group, wanted in zip(optimizer.param_groups, stand_in.param_groups, strict=True):
            group["lr"] = wanted["lr"]
