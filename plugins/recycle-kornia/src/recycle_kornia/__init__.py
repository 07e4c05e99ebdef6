"""Augmentations for recyclecli on kornia: the manifest."""

from collections.abc import Iterator

from pydantic import Field

from recyclecli import hookimpl
from recyclecli.types import AugmentationComponent, Options


class FlipOptions(Options):
    """Settings of `flip`."""

    horizontal: float = Field(0.5, ge=0, le=1, description="probability of mirroring left and right")
    vertical: float = Field(0.0, ge=0, le=1, description="probability of mirroring top and bottom")


class ColorOptions(Options):
    """Settings of `color`."""

    p: float = Field(0.8, ge=0, le=1, description="probability for each photo")
    brightness: float = Field(0.2, ge=0, le=1, description="largest relative change")
    contrast: float = Field(0.2, ge=0, le=1, description="largest relative change")
    saturation: float = Field(0.2, ge=0, le=1, description="largest relative change")
    hue: float = Field(0.02, ge=0, le=0.5, description="largest turn, as a share of the colour circle")


class AffineOptions(Options):
    """Settings of `affine`."""

    p: float = Field(0.8, ge=0, le=1, description="probability for each photo")
    degrees: float = Field(15.0, ge=0, le=180, description="largest turn either way")
    translate: float = Field(0.1, ge=0, lt=1, description="largest shift, as a share of the side")
    scale_min: float = Field(0.75, gt=0, description="smallest zoom")
    scale_max: float = Field(1.5, gt=0, description="largest zoom")


@hookimpl
def recycle_augmentations() -> Iterator[AugmentationComponent]:
    """Flips, colour, affine."""
    yield AugmentationComponent("flip", "recycle_kornia.flip:Flip", FlipOptions, "Mirror photos")
    yield AugmentationComponent(
        "color", "recycle_kornia.color:Color", ColorOptions, "Change brightness, contrast, saturation and hue"
    )
    yield AugmentationComponent(
        "affine", "recycle_kornia.affine:Affine", AffineOptions, "Turn, shift and zoom; what comes in is ignored"
    )
