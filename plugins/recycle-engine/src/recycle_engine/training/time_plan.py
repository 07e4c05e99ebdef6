"""How much training fits into a time: deadlines, speeds, and what is chosen by them. No torch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from recyclecli.errors import RecycleError
from recyclecli.recipe import Recipe

MOST_MINUTES = 90 * 24 * 60  # minutes
MOST_PLANNED_EPOCHS = 1_000_000  # that a recipe may hold
SIZE_STEP = 32  # sizes are its multiples
SMALLEST_SIZE = 64  # that is chosen, where photos are no smaller
LARGEST_SIZE = 1024
ENOUGH_STEPS = 90  # that a size must be trained for; see docs/how-to/how-long.md
ENOUGH_PASSES = 2  # over the photos, likewise
MANY_STEPS = 1000  # after which one pass is enough
LEAST_MARGIN = 1.1  # by how much longer than the least the time is that a refusal names

Planned = tuple[tuple[int, int], ...]
"""From which optimizer step on how many were planned in all, as `train.steps` holds it."""


@dataclass(slots=True)
class Deadline:
    """A time that a training may take.

    Attributes:
        seconds: in all.
        before: of them, what was spent before this process went on with the run.
        now: a clock.
        began: what it showed then.
    """

    seconds: float
    before: float = 0.0
    now: Callable[[], float] = time.monotonic
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.now()

    @property
    def spent(self) -> float:
        """Seconds of it that are over."""
        return self.before + self.now() - self.began

    @property
    def left(self) -> float:
        """Seconds of it that are left; negative where it is over."""
        return self.seconds - self.spent


def deadline_in(minutes: float) -> Deadline:
    """One that begins now.

    Raises:
        RecycleError: that is no time.
    """
    if not 0 < minutes <= MOST_MINUTES:
        raise RecycleError(
            f"--minutes {minutes:g}: a training takes more than 0 and at most {MOST_MINUTES} minutes", "--minutes 30"
        )
    return Deadline(minutes * 60)


def for_epochs(settings: Mapping[str, Any], overrides: Sequence[str]) -> Mapping[str, Any]:
    """The settings, in which epochs that are set take the place of the steps that a recipe's run by the clock made."""
    keys = _keys(settings, overrides)
    return {**settings, "train.steps": ()} if "train.epochs" in keys and "train.steps" not in keys else settings


def given_keys(settings: Mapping[str, Any], overrides: Sequence[str], recipe: Recipe) -> frozenset[str]:
    """Keys that the user has set, so that a training by the clock chooses others.

    Raises:
        RecycleError: nothing is left to choose, or what is set goes by epochs that nobody knows beforehand.
    """
    keys = _keys(settings, overrides)
    if "train.steps" in keys:
        raise RecycleError(
            "--minutes chooses the steps, and train.steps is set", "leave out --minutes, or -o train.steps"
        )
    if {"data.size", "train.epochs"} <= keys:
        raise RecycleError(
            "--minutes leaves nothing to choose with both data.size and train.epochs set",
            "leave out --minutes, --epochs or data.size",
        )
    if recipe.train.swa and "train.epochs" not in keys:
        raise RecycleError(
            "train.swa averages a share of the epochs, and how many --minutes will make is not known before",
            "average with train.ema instead: -o train.swa=0 -o train.ema=0.99",
        )
    return keys


def _keys(settings: Mapping[str, Any], overrides: Sequence[str]) -> frozenset[str]:
    return frozenset(settings) | {text.partition("=")[0].strip() for text in overrides}


class Speed(NamedTuple):
    """How long a training takes here.

    Attributes:
        step: seconds of an optimizer step, reading included.
        epoch: seconds of an epoch beside its steps: validation, checkpoints.
    """

    step: float
    epoch: float


def steps_within(seconds: float, speed: Speed, per_epoch: int, done: int = 0) -> int:
    """How many steps in all end within some seconds from now, the last epoch's validation included; at least `done`,
    at most those of `MOST_PLANNED_EPOCHS`.

    Args:
        seconds: that are left.
        speed: of this training.
        per_epoch: steps of a whole epoch.
        done: steps that are done, and with whole epochs their validation.
    """
    epochs, within = divmod(done, per_epoch)
    usable = within * speed.step + seconds - speed.epoch
    if usable <= 0:
        return done
    whole, rest = divmod(usable, per_epoch * speed.step + speed.epoch)
    steps = (epochs + int(whole)) * per_epoch + min(per_epoch, int(rest / speed.step))
    return max(done, min(steps, MOST_PLANNED_EPOCHS * per_epoch))


def epochs_of(steps: int, per_epoch: int) -> int:
    """In how many epochs so many steps end, the last one maybe shorter."""
    return max(1, math.ceil(steps / per_epoch))


def seconds_of(steps: int, speed: Speed, per_epoch: int) -> float:
    """How long so many steps take from the beginning."""
    return steps * speed.step + epochs_of(steps, per_epoch) * speed.epoch


def schedule_steps(planned: Planned, step: int) -> int:
    """How many steps of its schedule a training has made after its own `step`.

    The schedule is as long as what was planned first. Where more or fewer steps were planned later, the rest of it is
    spread evenly over those that were left, so that the rate is continuous, and at its end in the last step.
    """
    length, made = planned[0][1], 0.0
    for place, (start, end) in enumerate(planned):
        following = planned[place + 1][0] if place + 1 < len(planned) else end
        made += (min(following, step) - start) * (length - made) / (end - start)
        if step <= following:
            break
    return min(length, round(made))


def refuse_bad_steps(planned: Planned) -> None:
    """Raise RecycleError where `train.steps` is not what a training by the clock writes."""
    starts = [start for start, _ in planned]
    if any(starts[:1]) or starts != sorted(set(starts)) or any(end <= start for start, end in planned):
        raise RecycleError(
            f"train.steps = {[list(one) for one in planned]}: no pairs of a step, the first 0 and each larger than the "
            "one before, and of how many steps were planned in all from there on",
            "-o train.steps=[[0,400]] for 400 steps, or leave it out",
        )


def sizes_up_to(longest: int) -> range:
    """The sizes to choose among for photos whose longer side has so many pixels."""
    most = max(SIZE_STEP, min(longest, LARGEST_SIZE) // SIZE_STEP * SIZE_STEP)
    return range(min(SMALLEST_SIZE, most), most + 1, SIZE_STEP)


def speed_at(size: int, measured: Sequence[tuple[int, Speed]]) -> Speed:
    """The speed at a size from those that were measured: in proportion to the pixels, or on a line through two."""
    (low, slow), *more = sorted(measured)
    if size in dict(measured):
        return dict(measured)[size]
    if not more:
        ratio = (size / low) ** 2
        return Speed(slow.step * ratio, slow.epoch * ratio)
    high, fast = more[-1]
    share = (size**2 - low**2) / (high**2 - low**2)
    between = [max(first + share * (last - first), first / 4) for first, last in zip(slow, fast, strict=True)]
    return Speed(*between)


def largest_size(
    sizes: Sequence[int],
    measured: Sequence[tuple[int, Speed]],
    seconds: float,
    per_epoch: int,
    epochs: int | None,
    before: int = 0,
) -> int:
    """The largest size that is trained for long enough in some seconds, or for `epochs`; else the smallest.

    Enough are `ENOUGH_STEPS` steps and `ENOUGH_PASSES` passes over the photos, or one of `MANY_STEPS`: from there on
    more pixels teach more than more passes do. Steps made `before`, to find a rate, come on top.
    """
    passes = max(per_epoch, min(ENOUGH_PASSES * per_epoch, MANY_STEPS))
    wanted = max(ENOUGH_STEPS, passes) if epochs is None else epochs * per_epoch

    def takes(speed: Speed) -> float:
        return before * speed.step + seconds_of(wanted, speed, per_epoch)

    return max((size for size in sizes if takes(speed_at(size, measured)) <= seconds), default=min(sizes))


def too_short(passes: int, left: float, needed: float, minutes: float) -> RecycleError:
    """What to say where so many passes do not fit into the seconds that are left of some minutes."""
    least = math.ceil((needed - left) * LEAST_MARGIN / 6 + minutes * 10) / 10
    what = "one pass" if passes == 1 else f"{passes} passes"
    return RecycleError(
        f"--minutes {minutes:g} is too short: {what} over the training photos and the validation of each need "
        f"{needed:.1f} seconds here, and of the time {max(0.0, left):.1f} are left for that",
        f"--minutes {least:g} is the least that works",
    )
