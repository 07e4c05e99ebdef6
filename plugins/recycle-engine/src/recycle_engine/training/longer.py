"""A run that goes on for more epochs than it was begun with."""

from __future__ import annotations

import lightning as L
from lightning.pytorch.callbacks import Callback
from torch.optim.lr_scheduler import LambdaLR


class NewLength(Callback):
    """Sets the rate to what a run of the new length has at this step, and counts epochs without a better score anew."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Change what the checkpoint brought along from the old length."""
        for stop in trainer.early_stopping_callbacks:
            stop.wait_count = 0
        for config in trainer.lr_scheduler_configs:
            schedule = config.scheduler
            if isinstance(schedule, LambdaLR):  # else the first step would be made at the old length's last rate
                rates = zip(schedule.optimizer.param_groups, schedule.base_lrs, schedule.lr_lambdas, strict=True)
                for group, rate, factor in rates:
                    group["lr"] = rate * factor(schedule.last_epoch)
