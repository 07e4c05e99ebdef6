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
        description="none, inverse, median-frequency, effective-number (from the training split's pixels), "
        "or {class: weight}, 1 for others",
    )
    beta: float = Field(
        0.9999,
        ge=0,
        lt=1,
        description="for effective-number: 0 weights all classes equally, values near 1 like inverse",
    )


class CrossEntropyOptions(WeightedOptions):
    """Settings of `ce`."""

    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of the target spread over all classes")


class OhemOptions(CrossEntropyOptions):
    """Settings of `ohem-ce`."""

    threshold: float = Field(0.7, gt=0, le=1, description="pixels whose true class has a lower probability are hard")
    keep: float = Field(1 / 16, gt=0, le=1, description="smallest share of the pixels to keep, hardest first")


class BoundaryOptions(CrossEntropyOptions):
    """Settings of `boundary-ce`."""

    amount: float = Field(4.0, ge=0, description="additional weight of boundary pixels")
    reach: float = Field(3.0, gt=0, description="distance in pixels at which it falls to 1/e")


class FocalOptions(WeightedOptions):
    """Settings of `focal`."""

    gamma: float = Field(2.0, ge=0, description="how strongly easy pixels are down-weighted")


class OverlapOptions(Options):
    """Settings of `dice` and `jaccard`."""

    smooth: float = Field(1.0, gt=0, description="pixels added to both sides of the ratio")


class TverskyOptions(OverlapOptions):
    """Settings of `tversky`."""

    alpha: float = Field(0.3, ge=0, description="weight of false positives")
    beta: float = Field(0.7, ge=0, description="weight of false negatives")
    gamma: float = Field(1.0, gt=0, le=3, description="exponent of 1 - index; below 1: more weight on easy classes")


class LovaszOptions(Options):
    """Settings of `lovasz`."""

    per_image: bool = Field(False, description="compute the loss per photo and average")


@hookimpl
def recycle_losses() -> Iterator[LossComponent]:
    """Losses over pixels, then losses over the overlap of each class."""
    for name, factory, options, summary in (
        ("ce", "ce:CrossEntropy", CrossEntropyOptions, "Cross-entropy per pixel"),
        ("focal", "focal:Focal", FocalOptions, "Cross-entropy with more weight on hard pixels (Lin et al., 2017)"),
        ("ohem-ce", "ohem:OhemCrossEntropy", OhemOptions, "Cross-entropy of the hardest pixels only"),
        (
            "boundary-ce",
            "boundary:BoundaryCrossEntropy",
            BoundaryOptions,
            "Cross-entropy with more weight on boundaries",
        ),
        ("dice", "overlap:dice", OverlapOptions, "Dice loss, mean over classes"),
        ("jaccard", "overlap:jaccard", OverlapOptions, "Soft IoU loss, mean over classes"),
        (
            "tversky",
            "overlap:tversky",
            TverskyOptions,
            "Tversky loss: separate weights for false positives and negatives",
        ),
        ("lovasz", "lovasz:Lovasz", LovaszOptions, "Lovász-Softmax, a convex surrogate of mean IoU"),
    ):
        yield LossComponent(name, f"recycle_losses.{factory}", options, summary)
