"""A training's clock: more or fewer steps where the machine is faster or slower than was measured."""

from __future__ import annotations

import logging
import math
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import Callback
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from recycle_data.owned import Owned

from recycle_engine.distributed import of_first
from recycle_engine.runs import Run
from recycle_engine.training.checkpoint_io import AtomicCheckpointIO, damaged
from recycle_engine.training.module import SegmentationModule
from recycle_engine.training.time_plan import Deadline, Planned, Speed, epochs_of, steps_within
from recyclecli.recipe import Recipe

log = logging.getLogger("recycle.engine")

END_CHECKS = 100  # in a training, of whether it ends in time
END_TOLERANCE = 0.005  # of the time, by which its end may be off
LEFT_TOLERANCE = 0.05  # of the time that is left, likewise: what comes later corrects it
TOLD_CHANGE = 0.1  # of the steps, from which on a change is told
PACE_SHARE = 0.03  # of the time, by which at least the pace is judged
PACE_AHEAD = 0.5  # of the time that is left, likewise: what is far ahead goes by what was long
MOST_SLOWER = 2.0  # by how much what comes after the training is thought to be slower than was measured
MOST_PLANS = 1000  # that `train.steps` holds


class _Kept(BaseModel):
    """What a checkpoint holds of a clock, in seconds; see `Clock.state_dict`."""

    seconds: float = Field(gt=0)
    spent: float = Field(ge=0)
    step: float = Field(gt=0)
    epoch: float = Field(ge=0)
    reserve: float = Field(ge=0)

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


def _kept(run: Run, checkpoint: dict[str, Any]) -> _Kept | None:
    """What the last checkpoint of a run says of its clock; None where it trained without one.

    Raises:
        RecycleError: it is not what a clock writes.
    """
    state = checkpoint["callbacks"].get(Clock.__name__)
    try:
        return _Kept.model_validate(state) if state else None
    except ValidationError as error:
        first = error.errors()[0]
        raise damaged(run.last, f"{Clock.__name__}.{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def clock_of(checkpoint: dict[str, Any], run: Run) -> list[Callback]:
    """The callback that goes on with what the last checkpoint of a run says of its clock; none where it has none."""
    kept = _kept(run, checkpoint)
    if kept is None:
        return []
    deadline = Deadline(kept.seconds, kept.spent)
    log.info(f"{max(0.0, deadline.left) / 60:.3g} of {deadline.seconds / 60:.3g} minutes are left")
    return [Clock(deadline, Speed(kept.step, kept.epoch), kept.reserve, run)]


def spent_on(run: Run) -> float:
    """Seconds that a run had spent at its last checkpoint; 0 where it was trained without a clock."""
    kept = _kept(run, AtomicCheckpointIO().load_checkpoint(run.last))
    return kept.spent if kept else 0.0


class Clock(Callback):
    """Has a training take more or fewer steps where it is faster or slower than was planned.

    What it plans stands in `train.steps` of the module's recipe and of the run's.

    Args:
        deadline: when all is over.
        speed: as it was measured.
        reserve: seconds that are needed after the training.
        run: whose recipe is kept.
    """

    reads_instances = False

    def __init__(self, deadline: Deadline, speed: Speed, reserve: float, run: Run) -> None:
        self._deadline, self._run = deadline, run
        self._epoch = speed.epoch / speed.step  # in steps: what slows these down slows it down
        self._measured, self._known_reserve = speed.step, reserve
        self._weight = self._steps = 0.0  # of the steps by which the speed is judged: seconds, and how many
        self._take(3 * speed.step, 3)
        self._observed = False  # whether an epoch's end was timed
        self._told = 0  # steps that were told last

    @property
    def _speed(self) -> Speed:
        step = self._weight / self._steps
        return Speed(step, self._epoch * step)

    @property
    def _reserve(self) -> float:
        slower = self._speed.step / self._measured
        return self._known_reserve * min(MOST_SLOWER, max(1.0, slower))

    def _take(self, seconds: float, steps: int) -> None:
        fade = math.exp(-seconds / max(PACE_SHARE * self._deadline.seconds, PACE_AHEAD * self._deadline.left))
        self._weight, self._steps = self._weight * fade + seconds, self._steps * fade + steps

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin; a run that goes on has other steps to make than when it ended."""
        assert isinstance(pl_module, SegmentationModule)
        self._per_epoch = math.ceil(int(trainer.num_training_batches) / trainer.accumulate_grad_batches)
        self._done, self._mark, self._validates = trainer.global_step, self._deadline.now(), False
        self._every = max(1, pl_module.recipe.train.steps[0][1] // END_CHECKS)
        self._keep(trainer, pl_module, pl_module.recipe.train.steps)
        self._check(trainer, pl_module)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Note how long the end of the epoch before took."""
        if self._validates:
            took = (self._deadline.now() - self._mark) / self._speed.step
            self._epoch, self._observed = (self._epoch + took) / 2 if self._observed else took, True
        self._mark = self._deadline.now()

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *args: Any) -> None:
        """Note how long the step took, and look whether the training ends in time."""
        assert isinstance(pl_module, SegmentationModule)
        if trainer.global_step == self._done:
            return
        now, before = self._deadline.now(), self._done
        self._take(now - self._mark, trainer.global_step - before)
        self._done, self._mark, self._validates = trainer.global_step, now, True
        if self._done // self._every > before // self._every and not trainer.should_stop:
            self._check(trainer, pl_module, 0.0 if self._done % self._per_epoch else self._speed.epoch)

    def _check(self, trainer: L.Trainer, module: SegmentationModule, pending: float = 0.0) -> None:
        """Plan anew, in all processes alike, where the end is off; `pending` are seconds of this epoch's end."""
        planned, done = module.recipe.train.steps, trainer.global_step
        speed = self._speed
        left = self._deadline.left - self._reserve - pending
        fitting = steps_within(left, speed, self._per_epoch, done)
        off = abs(max(done + 1, fitting) - planned[-1][1])
        worth = off * speed.step > max(END_TOLERANCE * self._deadline.seconds, LEFT_TOLERANCE * left)
        steps = of_first(max(done + 1, fitting) if worth else planned[-1][1])
        if steps == planned[-1][1] or not done > 0 or len(planned) == MOST_PLANS:
            return
        told = self._told or planned[0][1]
        if abs(steps - told) > TOLD_CHANGE * told:
            word, self._told = "faster" if steps > told else "slower", steps
            log.info(f"{word} than planned: {steps} steps in all, {steps / self._per_epoch:.3g} epochs, end in time")
        self._keep(trainer, module, (*(one for one in planned if one[0] < done), (done, steps)))

    def _keep(self, trainer: L.Trainer, module: SegmentationModule, planned: Planned) -> None:
        module.recipe = with_steps(module.recipe, planned, self._per_epoch)
        trainer.fit_loop.max_epochs = module.recipe.train.epochs
        if trainer.is_global_zero:
            Owned(self._run.folder).write_text(self._run.recipe, module.recipe.to_yaml())

    def state_dict(self) -> dict[str, float]:
        """What a run that is ended and goes on must know of its time."""
        return {
            "seconds": self._deadline.seconds,
            "spent": self._deadline.spent,
            "step": self._speed.step,
            "epoch": self._speed.epoch,
            "reserve": self._reserve,
        }


def with_steps(recipe: Recipe, planned: Planned, per_epoch: int) -> Recipe:
    """The recipe with steps as they were planned, and as many epochs as they take."""
    changed = {"steps": planned, "epochs": epochs_of(planned[-1][1], per_epoch)}
    return recipe.model_copy(update={"train": recipe.train.model_copy(update=changed)})
