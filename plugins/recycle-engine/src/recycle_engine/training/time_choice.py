"""What is chosen for a time: the size, the parts of a batch, and the steps."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import median

from lightning.pytorch.callbacks import Callback
from recycle_data.splits import Split

from recycle_engine.distributed import of_first
from recycle_engine.runs import Run
from recycle_engine.training.clock import Clock, with_steps
from recycle_engine.training.module import SegmentationModule
from recycle_engine.training.time_plan import (
    Deadline,
    Speed,
    largest_size,
    seconds_of,
    sizes_up_to,
    speed_at,
    steps_within,
    too_short,
)
from recycle_engine.training.time_trial import SIDES_OF, judging_seconds, measure, with_size
from recycle_engine.training.tune import RANGE_TEST_STEPS
from recyclecli.errors import counted
from recyclecli.recipe import Recipe
from recyclecli.types import Source

log = logging.getLogger("recycle.engine")

SIZE_TRIALS = 3  # sizes that are measured at most
FIRST_SIZE = 128  # the first of them
END_SECONDS = 0.5  # after the last epoch
REPORT_SECONDS = 1.5  # of callbacks that look at the run then, beside its scores


@dataclass(frozen=True, slots=True)
class Timed:
    """A training by the clock.

    Attributes:
        deadline: when it must be over.
        given: keys of the recipe that are not to be chosen.
    """

    deadline: Deadline
    given: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """What was measured of the size that was chosen.

    Attributes:
        speed: at it.
        per_epoch: optimizer steps of an epoch.
        reserve: seconds that are needed after the training.
    """

    speed: Speed
    per_epoch: int
    reserve: float


def settle_size(
    recipe: Recipe, split: Split, module: SegmentationModule, run: Run, timed: Timed, observed: bool
) -> tuple[Recipe, Settled]:
    """The recipe at the size that is trained for long enough in the time, and how fast that is.

    Args:
        recipe: whose size and batch are chosen, unless they are given.
        split: the photos.
        module: which is trained for a few steps, and of no use then.
        run: its folder.
        timed: the time, and what is given.
        observed: whether a callback looks at the run when it is complete.

    Raises:
        RecycleError: not one pass over the photos fits.
    """
    deadline, batch_kept = timed.deadline, "train.batch_size" in timed.given
    sizes: Sequence[int] = [recipe.data.size]
    if "data.size" not in timed.given:
        sizes = sizes_up_to(longer_side(split.train))
    before = RANGE_TEST_STEPS if recipe.train.find_lr else 0
    judged = END_SECONDS + (REPORT_SECONDS + judging_seconds(split, deadline.now) if observed else 0)
    passes = recipe.train.epochs if "train.epochs" in timed.given else None
    size = min(max(sizes), max(min(sizes), FIRST_SIZE))
    measured: dict[int, tuple[Speed, int]] = {}
    while True:
        tried = with_size(recipe, size, batch_kept)
        found = measure(tried, split, module, run, deadline.now)
        measured[size], left, reserve = of_first((found, deadline.left, judged + observed * found[0].epoch))
        speeds = [(one, speed) for one, (speed, _) in measured.items()]
        per_epoch = measured[size][1]
        size = largest_size(sizes, speeds, left - reserve, per_epoch, passes, before)
        if size in measured or len(measured) == SIZE_TRIALS:
            break
    speed = speed_at(size, speeds)
    needed = before * speed.step + seconds_of((passes or 1) * per_epoch, speed, per_epoch)
    if needed > left - reserve:
        raise too_short(passes or 1, left - reserve, needed, deadline.seconds / 60)
    return with_size(recipe, size, batch_kept), Settled(speed, per_epoch, reserve)


def plan(recipe: Recipe, settled: Settled, timed: Timed, run: Run) -> tuple[Recipe, list[Callback]]:
    """The recipe with as many steps as fit into what is left of the time, and the callback that corrects them.

    Where the epochs are given they stay, and nothing is corrected.
    """
    deadline, (speed, per_epoch, reserve) = timed.deadline, (settled.speed, settled.per_epoch, settled.reserve)
    clock: list[Callback] = []
    steps = recipe.train.epochs * per_epoch
    if "train.epochs" not in timed.given:
        steps = max(1, of_first(steps_within(deadline.left - reserve, speed, per_epoch)))
        recipe = with_steps(recipe, ((0, steps),), per_epoch)
        clock = [Clock(deadline, speed, reserve, run)]
    minutes = (deadline.spent + seconds_of(steps, speed, per_epoch) + reserve) / 60
    log.info(
        f"chose size {recipe.data.size}, {steps / per_epoch:.3g} epochs of {counted(per_epoch, 'step')} of "
        f"{counted(recipe.train.batch_size * recipe.train.accumulate_grad_batches, 'photo')}: "
        f"{minutes:.3g} of {deadline.seconds / 60:.3g} minutes"
    )
    return recipe, clock


def longer_side(source: Source) -> int:
    """The median of photos' longer sides."""
    places = range(0, len(source), max(1, len(source) // SIDES_OF))
    records = [source.record(place) for place in places]
    return int(median(max(record.height, record.width) for record in records))
