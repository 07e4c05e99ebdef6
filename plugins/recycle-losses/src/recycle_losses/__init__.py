"""Losses for recyclecli: the manifest."""

from collections.abc import Iterator

from pydantic import Field

from recyclecli import hookimpl
from recyclecli.types import LossComponent, Options


class CrossEntropyOptions(Options):
    """Settings of `ce`."""

    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of the target spread over all classes")


class FocalOptions(Options):
    """Settings of `focal`."""

    gamma: float = Field(2.0, ge=0, description="how strongly pixels that are already right are played down")


class DiceOptions(Options):
    """Settings of `dice`."""

    smooth: float = Field(1.0, gt=0, description="pixels added to both sides of the ratio")


@hookimpl
def recycle_losses() -> Iterator[LossComponent]:
    """Cross-entropy, focal, dice."""
    yield LossComponent("ce", "recycle_losses.ce:CrossEntropy", CrossEntropyOptions, "Cross-entropy per pixel")
    yield LossComponent("focal", "recycle_losses.focal:Focal", FocalOptions, "Cross-entropy that dwells on hard pixels")
    yield LossComponent("dice", "recycle_losses.dice:Dice", DiceOptions, "Overlap per class, whatever its size")
