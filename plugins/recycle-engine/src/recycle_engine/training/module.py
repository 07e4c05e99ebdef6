"""The training step, the validation step and the optimizer."""

from __future__ import annotations

import copy
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import lightning as L
import torch
from recycle_data.boundary import PluginPart
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from recycle_engine.batch import seed_chance, to_float
from recycle_engine.boundary import CheckedAugmentation, CheckedModel, Trail, check_states, not_finite
from recycle_engine.distributed import labelled_pixels
from recycle_engine.history.metrics import PER_CLASS, SCORE
from recycle_engine.input_shape import InputShape
from recycle_engine.judge.counts import marginals
from recycle_engine.judge.per_image_counts import class_iou, mean_iou
from recycle_engine.training.compile_trial import try_both_ways
from recycle_engine.training.depthwise import depthwise_in_32_bits
from recycle_engine.training.instance_readers import reads_instances
from recycle_engine.training.loss_terms import ComponentLoss, LossTerm, NamesOwnLoss, OwnLoss
from recycle_engine.training.metrics import Confusion, WeightedMean
from recycle_engine.training.optim import make_optimizer
from recycle_engine.training.schedule import check_rates, make_schedulers
from recycle_engine.training.time_plan import epochs_of, schedule_steps
from recyclecli.errors import RecycleError, counted
from recyclecli.manifest import cache_folder
from recyclecli.plugins import Registry
from recyclecli.recipe import Recipe
from recyclecli.types import IGNORE, Batch, Outputs, ScheduleContext

log = logging.getLogger("recycle.engine")


class SegmentationModule(L.LightningModule):
    """A model with its losses and augmentations as one recipe combines them.

    Args:
        model: image (N, 3, H, W) in 0..1 to logits (N, K, H, W), (logits, aux logits) or `Outputs`.
        losses: (weight, loss, component) of each, added up.
        augmentations: applied in order to training batches, on their device.
        class_names: K names.
        registry: that the optimizer and the schedule come from.
        recipe: the run's recipe.
        card: what a checkpoint needs to carry so that the weights can be used alone.
        multiple: of the sides of what the model is given.
    """

    def __init__(
        self,
        model: nn.Module,
        losses: Sequence[tuple[float, nn.Module, PluginPart]],
        augmentations: Sequence[CheckedAugmentation],
        class_names: Sequence[str],
        registry: Registry,
        recipe: Recipe,
        card: dict[str, Any],
        multiple: int,
    ) -> None:
        super().__init__()
        self.model = model.to(memory_format=torch.channels_last) if recipe.train.channels_last else model
        self._losses = nn.ModuleList(loss for _, loss, _ in losses)  # so that their buffers move along
        self._checked = CheckedModel(PluginPart.of(registry, "model", recipe.model.name), self.model, len(class_names))
        self.trail = Trail()  # of the last training batch
        self._val_trail = Trail()
        self._augmentations = list(augmentations)
        self._class_names = list(class_names)
        self._registry = registry
        self.recipe = recipe
        self._terms = [(weight, self._term(loss, part)) for weight, loss, part in losses]
        self.card = card
        self._multiple = multiple
        self._confusion = Confusion(len(class_names))
        self._val_loss = WeightedMean()
        self._batch_pixels = float(recipe.train.batch_size * recipe.data.size**2)
        self._pixels = torch.zeros(())  # labelled, of the last batch
        self._step_pixels = torch.zeros(())  # and of all since the last step
        self._most = sys.maxsize  # photos that validation takes at a time
        self._untried = recipe.train.compile  # whether the compiler has yet to show that it works
        if recipe.train.compile:
            with suppress(RuntimeError):  # a user without a home
                # torch's default lies in the system's temporary folder, where another user may have put code
                os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache_folder() / "inductor"))
            self.model.compile()

    def __deepcopy__(self, memo: dict[int, Any]) -> SegmentationModule:
        """A copy that shares the augmentations, and with them what they hold of photos."""
        memo[id(self._augmentations)] = self._augmentations
        memo[id(self._registry)] = self._registry
        memo[id(self)] = copied = type(self).__new__(type(self))
        copied.__setstate__(copy.deepcopy(self.__getstate__(), memo))  # type: ignore[no-untyped-call]
        return copied

    @property
    def shape(self) -> InputShape:
        """How the model sees photos."""
        return InputShape.of_card(self.card, self._multiple)

    def reads_instances(self, training: bool) -> bool:
        """Whether a loss reads the instances of batches, or an augmentation of those of training."""
        readers = [term.reads_instances for _, term in self._terms]
        return any([*readers, *(reads_instances(one) for one in self._augmentations if training)])

    def on_fit_start(self) -> None:
        """A CPU's bf16 is made as fast as it can be."""
        if self.device.type == "cpu" and self.trainer.precision == "bf16-mixed":
            depthwise_in_32_bits(self.model)

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Finish the batch on its device; in training seed all chance of this step and augment."""
        if isinstance(batch, RecycleError):  # a photo that could not be read, maybe by another process
            raise batch
        batch = to_float(batch)
        if self.trainer.training:
            progress = self.trainer.fit_loop
            step = progress.epoch_loop.batch_progress.current.ready
            seed_chance(self.recipe.seed, self.trainer.current_epoch, step, self.global_rank)
            self.trail = Trail()
            with torch.no_grad():
                for augmentation in self._augmentations:
                    batch = augmentation(batch)
                    self.trail.add(f"the images after {augmentation.part}", batch.image)
        if self.recipe.train.channels_last:
            batch = batch._replace(image=batch.image.contiguous(memory_format=torch.channels_last))
        return batch

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """End the last epoch with the last planned step, as a whole one ends."""
        loop, planned = self.trainer.fit_loop.epoch_loop, self.recipe.train.steps
        if planned and self.trainer.global_step + 1 >= planned[-1][1] and not loop._should_accumulate():
            loop.batch_progress.is_last_batch = self.trainer.should_stop = True

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        """The weighted sum of the losses, a scalar; where there are several processes, times this one's share."""
        self.trail.add("the images that the model is given", batch.image)
        with self._checked.part:
            given = self._through_compiled(batch.image)
        loss = self._loss(self._checked(given, batch.image), batch, self.trail)
        several, batches = self.trainer.world_size, self.trainer.accumulate_grad_batches
        if several > 1 or batches > 1:
            own, total = labelled_pixels(batch.mask)
            loss = loss * own * several / total.clamp(min=1)
        size, shown = len(batch.ids), loss
        if self.recipe.train.on_nan == "skip" and not bool(torch.isfinite(loss)):
            size, shown = 0, loss.nan_to_num(0, 0, 0)  # outside of the epoch's mean
        self.log(
            "train_loss", shown, on_step=True, on_epoch=True, prog_bar=True, batch_size=size, sync_dist=several > 1
        )
        if batches > 1:
            self._pixels = total
            self._step_pixels = self._step_pixels + total
        return loss

    def backward(self, loss: torch.Tensor, *args: Any, **kwargs: Any) -> None:
        """Add a batch's gradients to those of its step, by its labelled pixels where the step has several batches."""
        if self.trainer.accumulate_grad_batches > 1:
            loss = loss * self._pixels / self._batch_pixels
        super().backward(loss, *args, **kwargs)

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        """Divide the gradients of several batches by their labelled pixels, in place of the number of batches."""
        batches = self.trainer.accumulate_grad_batches
        if batches > 1:
            gradients = [weight.grad for weight in self.model.parameters() if weight.grad is not None]
            if gradients:
                torch._foreach_mul_(gradients, batches * self._batch_pixels / self._step_pixels.clamp(min=1))
            self._step_pixels = torch.zeros_like(self._step_pixels)

    def _through_compiled(self, image: torch.Tensor) -> Any:
        """The model's output; a compiler that fails with the first batch is told of, and done without."""
        if self._untried:
            self._untried = False
            try:
                try_both_ways(self.model, lambda: self._checked(self.model(image), image))
            except (torch.OutOfMemoryError, RecycleError):
                raise
            except Exception as error:
                self.model._compiled_call_impl = None
                reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
                log.warning(f"note: torch.compile does not work here, going on without: {reason}")
        return self.model(image)

    def _term(self, loss: nn.Module, part: PluginPart) -> LossTerm:
        if isinstance(loss, NamesOwnLoss):
            return OwnLoss(self._checked.part, self.model)
        return ComponentLoss(part, loss, self.recipe.train.aux_weight)

    def _loss(self, outputs: Outputs, batch: Batch, trail: Trail) -> torch.Tensor:
        trail.add(f"the logits of {self._checked.part}", outputs.logits)
        for aux in outputs.aux:
            trail.add(f"the aux logits of {self._checked.part}", aux)
        return torch.stack([weight * term(outputs, batch, trail) for weight, term in self._terms]).sum()

    def validation_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        """Count the confusion of one batch; the labels (N, H, W) are for whoever looks, none is kept.

        Where memory does not suffice for the batch, it goes through in parts, and so do all later ones.
        """
        labels = []
        start = 0
        while start < len(batch.ids):
            part = Batch(*(values[start : start + self._most] for values in batch))
            try:
                labels.append(self._validate(part))
            except torch.OutOfMemoryError:
                if len(part.ids) == 1:
                    raise
                self._most = len(part.ids) // 2
                torch.cuda.empty_cache()
                log.warning(
                    f"note: validation ran out of memory, going on with {counted(self._most, 'photo')} at a time"
                )
                continue
            start += self._most
        return torch.cat(labels)

    def _validate(self, batch: Batch) -> torch.Tensor:
        with self._checked.part:
            given = self.model.forward(batch.image)  # not what may be compiled: sizes differ here
        outputs = self._checked(given, batch.image)._replace(aux=())
        loss, labels = self._loss(outputs, batch, self._val_trail), outputs.logits.argmax(1)
        self._confusion.update(labels, batch.mask)
        # photos that only fill up a rank's batches are ignored whole
        self._val_loss.update(loss, (batch.mask != IGNORE).flatten(1).any(1).sum())
        return labels

    def on_validation_epoch_end(self) -> None:
        """Log mIoU and per-class IoU of the whole validation set, at the training size."""
        self.log("val_loss", self._val_loss.compute())
        self._val_loss.reset()
        self._warn_of_nan()
        values = class_iou(marginals(self._confusion.compute().cpu().numpy()))
        self._confusion.reset()
        score = float(mean_iou(values))
        self.log(SCORE, score, prog_bar=True)
        for scheduler in self.trainer.lr_scheduler_configs:
            if isinstance(scheduler.scheduler, ReduceLROnPlateau):
                scheduler.scheduler.step(score)
        for name, iou in zip(self._class_names, values.tolist(), strict=True):
            self.log(f"{PER_CLASS}{name}", iou)

    def _warn_of_nan(self) -> None:
        """Say which part gave NaN in validation; where a weight is NaN, the training ends with that anyway."""
        if (first := self._val_trail.first()) and not not_finite(self.model):
            log.warning(
                f"warning: NaN or an infinite number in validation alone: first in {first}; "
                "the weights are finite, so that this part behaves otherwise in evaluation"
            )
        self._val_trail = Trail()

    def configure_optimizers(self) -> Any:
        """The optimizer and the schedule by name."""
        optimizer = make_optimizer(self._registry, self.model, self.recipe.train)
        return [optimizer], self.schedulers(optimizer)

    def schedulers(self, optimizer: torch.optim.Optimizer) -> list[dict[str, Any]]:
        """The recipe's schedule on an optimizer, over all steps of this training; see `make_schedulers`."""
        train, steps = self.recipe.train, int(self.trainer.estimated_stepping_batches)
        epochs = train.epochs
        if train.steps:  # of the first plan, which later ones stretch
            per_epoch = steps // (self.trainer.max_epochs or 1)
            steps = train.steps[0][1]
            epochs = epochs_of(steps, per_epoch)
        return make_schedulers(self._registry, train.schedule, ScheduleContext(optimizer, steps, epochs))

    def lr_scheduler_step(self, scheduler: Any, metric: Any) -> None:
        """Step the schedule, whose rates stay finite."""
        part = PluginPart.of(self._registry, "schedule", self.recipe.train.schedule.name)
        planned, step = self.recipe.train.steps, self.trainer.global_step
        due = schedule_steps(planned, step) - schedule_steps(planned, step - 1) if planned else 1
        with part:
            for _ in range(due):
                super().lr_scheduler_step(scheduler, metric)
        check_rates(part, scheduler.optimizer)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on in the shape in which the training began."""
        began = checkpoint["recycle"]
        self.card |= {key: began.get(key) for key in ("format", "window")}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Let the card travel with the weights."""
        check_states(self.trainer.callbacks, checkpoint.get("callbacks", {}))  # type: ignore[attr-defined]
        checkpoint["recycle"] = self.card
