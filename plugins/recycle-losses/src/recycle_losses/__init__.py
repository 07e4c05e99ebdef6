"""Losses for recyclecli: the manifest.

One module a loss or family; `weights` holds class weights, `overlap` is dice, jaccard and tversky.
"""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from recyclecli import hookimpl
from recyclecli.types import LossComponent, Options


class WeightedOptions(Options):
    """Settings of losses that sum over pixels, each with the weight of its class."""

    class_weights: Literal["none", "inverse", "median-frequency", "effective-number"] | dict[str, float] = Field(
        "none",
        description="none, inverse, median-frequency, effective-number (from the training split's pixels), or "
        "{class: weight}, 1 for what it leaves out",
    )
    beta: float = Field(0.9999, ge=0, lt=1, description="of effective-number: the nearer to 1, the nearer to inverse")


class CrossEntropyOptions(WeightedOptions):
    """Settings of `ce`."""

    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of the target spread over all classes")


class OhemOptions(CrossEntropyOptions):
    """Settings of `ohem-ce`."""

    threshold: float = Field(0.7, gt=0, le=1, description="pixels given less than this probability are hard")
    keep: float = Field(1 / 16, gt=0, le=1, description="least share of the pixels that is kept, the hardest ones")


class BoundaryOptions(CrossEntropyOptions):
    """Settings of `boundary-ce`."""

    amount: float = Field(4.0, ge=0, description="additional weight of a pixel on a boundary")
    reach: float = Field(3.0, gt=0, description="pixels over which that fades to 1/e of itself")


class FocalOptions(WeightedOptions):
    """Settings of `focal`."""

    gamma: float = Field(2.0, ge=0, description="how strongly pixels that are already right are played down")


class OverlapOptions(Options):
    """Settings of `dice` and `jaccard`."""

    smooth: float = Field(1.0, gt=0, description="pixels added to both sides of the ratio")


class TverskyOptions(OverlapOptions):
    """Settings of `tversky`."""

    alpha: float = Field(0.3, ge=0, description="weight of false positives")
    beta: float = Field(0.7, ge=0, description="weight of false negatives")
    gamma: float = Field(1.0, gt=0, le=3, description="power of 1 - index: below 1 dwells on classes that go well")


class LovaszOptions(Options):
    """Settings of `lovasz`."""

    per_image: bool = Field(False, description="mean of each photo's loss, not the loss of the batch's pixels")


@hookimpl
def recycle_losses() -> Iterator[LossComponent]:
    """Losses over pixels, then losses over the overlap of each class."""
    for name, factory, options, summary in (
        ("ce", "ce:CrossEntropy", CrossEntropyOptions, "Cross-entropy per pixel"),
        ("focal", "focal:Focal", FocalOptions, "Cross-entropy that dwells on hard pixels"),
        ("ohem-ce", "ohem:OhemCrossEntropy", OhemOptions, "Cross-entropy of the hardest pixels alone"),
        ("boundary-ce", "boundary:BoundaryCrossEntropy", BoundaryOptions, "Cross-entropy that dwells on boundaries"),
        ("dice", "overlap:dice", OverlapOptions, "Overlap per class (Dice), whatever its size"),
        ("jaccard", "overlap:jaccard", OverlapOptions, "Overlap per class (IoU), whatever its size"),
        ("tversky", "overlap:tversky", TverskyOptions, "Overlap with a price of its own for each kind of error"),
        ("lovasz", "lovasz:Lovasz", LovaszOptions, "The mean IoU itself, made convex (Lovász-Softmax)"),
    ):
        yield LossComponent(name, f"recycle_losses.{factory}", options, summary)
