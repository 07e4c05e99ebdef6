"""The training step, the validation step and the optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightning as L
import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from recyclecli.engine.batch import seed_chance, to_float
from recyclecli.engine.metrics import Confusion
from recyclecli.engine.optim import make_optimizer
from recyclecli.engine.schedule import make_schedulers
from recyclecli.errors import RecycleError
from recyclecli.judge.counts import marginals
from recyclecli.judge.ledger import class_iou, mean_iou
from recyclecli.recipe import Recipe
from recyclecli.types import Augmentation, Batch

AUX_WEIGHT = 0.4  # of a model's auxiliary logits, as in PSPNet (Zhao et al., 2017)
SCORE = "val_miou"


class SegmentationModule(L.LightningModule):
    """A model with its losses and augmentations as one recipe combines them.

    Args:
        model: image (N, 3, H, W) in 0..1 to logits (N, K, H, W), or (logits, aux logits).
        losses: (weight, loss) pairs, added up.
        augmentations: applied in order to training batches, on their device.
        class_names: K names.
        recipe: the run's recipe.
        card: what a checkpoint needs to carry so that the weights can be used alone.
    """

    def __init__(
        self,
        model: nn.Module,
        losses: Sequence[tuple[float, nn.Module]],
        augmentations: Sequence[Augmentation],
        class_names: Sequence[str],
        recipe: Recipe,
        card: dict[str, Any],
    ) -> None:
        super().__init__()
        self.model = model.to(memory_format=torch.channels_last) if recipe.train.channels_last else model
        self._weights = [weight for weight, _ in losses]
        self._losses = nn.ModuleList(loss for _, loss in losses)  # so that their buffers move along
        self._augmentations = list(augmentations)
        self._class_names = list(class_names)
        self._recipe = recipe
        self._card = card
        self._confusion = Confusion(len(class_names))

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Finish the batch on its device; in training seed all chance of this step and augment."""
        if isinstance(batch, RecycleError):  # a photo that could not be read, maybe by another process
            raise batch
        batch = to_float(batch)
        if self.trainer.training:
            progress = self.trainer.fit_loop
            step = progress.epoch_loop.batch_progress.current.ready
            seed_chance(self._recipe.seed, self.trainer.current_epoch, step, self.global_rank)
            with torch.no_grad():
                for augmentation in self._augmentations:
                    batch = augmentation(batch)
        if self._recipe.train.channels_last:
            batch = batch._replace(image=batch.image.contiguous(memory_format=torch.channels_last))
        return batch

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        """The weighted sum of the losses, a scalar."""
        output = self.model(batch.image)
        logits, aux = output if isinstance(output, tuple) else (output, None)
        loss = self._loss(logits, batch.mask)
        if aux is not None:
            loss = loss + AUX_WEIGHT * self._loss(aux, batch.mask)
        self.log("train_loss", loss, on_step=True, on_epoch=True, prog_bar=True, batch_size=len(batch.ids))
        return loss

    def _loss(self, logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        terms = [weight * loss(logits, mask) for weight, loss in zip(self._weights, self._losses, strict=True)]
        return torch.stack(terms).sum()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Count the confusion of one batch; nothing else of it is kept."""
        output = self.model(batch.image)
        logits = output[0] if isinstance(output, tuple) else output
        self._confusion.update(logits.argmax(1), batch.mask)
        self.log("val_loss", self._loss(logits, batch.mask), on_epoch=True, batch_size=len(batch.ids))

    def on_validation_epoch_end(self) -> None:
        """Log mIoU and per-class IoU of the whole validation set, at the training size."""
        values = class_iou(marginals(self._confusion.compute().cpu().numpy()))
        self._confusion.reset()
        score = float(mean_iou(values))
        self.log(SCORE, score, prog_bar=True)
        for scheduler in self.trainer.lr_scheduler_configs:
            if isinstance(scheduler.scheduler, ReduceLROnPlateau):
                scheduler.scheduler.step(score)
        for name, iou in zip(self._class_names, values.tolist(), strict=True):
            self.log(f"iou/{name}", iou)

    def configure_optimizers(self) -> Any:
        """The optimizer and the schedule by name."""
        settings = self._recipe.train
        optimizer = make_optimizer(self.model, settings)
        return [optimizer], make_schedulers(optimizer, settings, int(self.trainer.estimated_stepping_batches))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Let the card travel with the weights."""
        checkpoint["recycle"] = self._card
