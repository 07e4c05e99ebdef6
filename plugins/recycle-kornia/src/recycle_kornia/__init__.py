"""Augmentations for recyclecli on kornia: the manifest.

`copy_paste`, `lsj` and what they share (`bank`, `place`, `compose`, `objects`) are ours; `warp`, `appearance`, `flip`
and `holes` wrap kornia.
"""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from recyclecli import hookimpl
from recyclecli.types import AugmentationComponent, Options


class FlipOptions(Options):
    """Settings of `flip`."""

    horizontal: float = Field(0.5, ge=0, le=1, description="probability of a horizontal flip")
    vertical: float = Field(0.0, ge=0, le=1, description="probability of a vertical flip")


class ColorOptions(Options):
    """Settings of `color`."""

    p: float = Field(0.8, ge=0, le=1, description="probability for each photo")
    brightness: float = Field(0.2, ge=0, le=1, description="largest relative change")
    contrast: float = Field(0.2, ge=0, le=1, description="largest relative change")
    saturation: float = Field(0.2, ge=0, le=1, description="largest relative change")
    hue: float = Field(0.02, ge=0, le=0.5, description="largest shift, as a share of the colour circle")


class AffineOptions(Options):
    """Settings of `affine`."""

    p: float = Field(0.8, ge=0, le=1, description="probability for each photo")
    degrees: float = Field(15.0, ge=0, le=180, description="largest rotation in either direction")
    translate: float = Field(0.1, ge=0, lt=1, description="largest shift, as a share of the side")
    scale_min: float = Field(0.75, gt=0, description="smallest zoom")
    scale_max: float = Field(1.5, gt=0, description="largest zoom")


class PerspectiveOptions(Options):
    """Settings of `perspective`."""

    p: float = Field(0.5, ge=0, le=1, description="probability for each photo")
    distortion: float = Field(0.3, ge=0, le=1, description="largest shift of a corner, as a share of half the side")


class ElasticOptions(Options):
    """Settings of `elastic`."""

    p: float = Field(0.5, ge=0, le=1, description="probability for each photo")
    shift: float = Field(5.0, gt=0, le=100, description="standard deviation of the shift along each axis, in pixels")
    sigma: float = Field(
        20.0, ge=1, le=200, description="standard deviation of the Gaussian that smooths the shifts, in pixels"
    )


class GammaOptions(Options):
    """Settings of `gamma`."""

    p: float = Field(0.5, ge=0, le=1, description="probability for each photo")
    smallest: float = Field(0.7, gt=0, description="smallest exponent; below 1 is brighter")
    largest: float = Field(1.5, gt=0, description="largest exponent")


class GrayOptions(Options):
    """Settings of `gray`."""

    p: float = Field(0.1, ge=0, le=1, description="probability for each photo")


class BlurOptions(Options):
    """Settings of `blur`."""

    p: float = Field(0.3, ge=0, le=1, description="probability for each photo")
    sigma: float = Field(1.5, gt=0, le=20, description="largest standard deviation in pixels")


class NoiseOptions(Options):
    """Settings of `noise`."""

    p: float = Field(0.3, ge=0, le=1, description="probability for each photo")
    sigma: float = Field(0.03, ge=0, le=1, description="standard deviation, for images in 0..1")


class CutoutOptions(Options):
    """Settings of `cutout`."""

    p: float = Field(0.5, ge=0, le=1, description="probability for each photo")
    holes: int = Field(4, ge=1, le=100, description="number of squares")
    size: float = Field(0.15, gt=0, le=1, description="side of a square, as a share of the photo's longer side")
    ignored: bool = Field(False, description="ignore the labels there (255); otherwise the model must infer them")


class GridMaskOptions(Options):
    """Settings of `grid-mask`."""

    p: float = Field(0.5, ge=0, le=1, description="probability for each photo")
    smallest: float = Field(0.1, gt=0, le=1, description="smallest unit of the grid, as a share of the shorter side")
    largest: float = Field(0.4, gt=0, le=1, description="largest unit")
    keep: float = Field(0.6, gt=0, lt=1, description="share of a unit's side that is kept")
    ignored: bool = Field(False, description="ignore the labels there (255); otherwise the model must infer them")


class LsjOptions(Options):
    """Settings of `lsj`."""

    p: float = Field(1.0, ge=0, le=1, description="probability for each photo")
    smallest: float = Field(0.1, gt=0, description="smallest scale")
    largest: float = Field(2.0, gt=0, le=20, description="largest scale")


class CopyPasteOptions(Options):
    """Settings of `copy-paste`."""

    p: float = Field(0.5, ge=0, le=1, description="probability for each photo")
    source: Literal["bank", "batch"] = Field(
        "bank", description="objects of all training photos, cropped once; or of another photo of the batch"
    )
    min_objects: int = Field(1, ge=0, le=64, description="smallest number of objects per photo")
    max_objects: int = Field(6, ge=1, le=64, description="largest number of objects per photo")
    patch: tuple[str, ...] = Field((), description="classes to copy; empty: all")
    remove_patch: tuple[str, ...] = Field((), description="classes whose photos are not used as sources")
    extract_patch: bool = Field(
        True, description="copy only objects of these classes, not all of a photo that shows one"
    )
    rarity: float = Field(
        0.5, ge=0, le=1, description="0: classes by their frequency; 1: all classes equally often (bank)"
    )
    per_class: int = Field(300, ge=1, le=1_000_000, description="largest number of objects kept per class (bank)")
    class_weights: dict[str, Annotated[float, Field(ge=0, le=1e12)]] = Field(
        {}, description="further weight of a class"
    )
    min_area: int = Field(100, ge=1, lt=2**31, description="smallest object to copy, in pixels")
    max_area: int | None = Field(None, ge=1, lt=2**31, description="largest object to copy, in pixels")
    hflip: float = Field(0.5, ge=0, le=1, description="probability of a horizontal flip of an object")
    vflip: float = Field(0.0, ge=0, le=1, description="probability of a vertical flip")
    turn: float = Field(0.0, ge=0, le=1, description="probability of a quarter turn")
    lsj: bool = Field(False, description="scale objects by lsj_min to lsj_max")
    lsj_min: float = Field(0.1, gt=0, description="smallest scale with lsj")
    lsj_max: float = Field(2.0, gt=0, le=20, description="largest scale with lsj")
    shrink_above: int | None = Field(None, ge=1, lt=2**31, description="objects of more pixels are scaled by 0.5 to 1")
    grow_below: int | None = Field(None, ge=1, lt=2**31, description="objects of fewer pixels are scaled by 1 to 2")
    place: Literal["random", "same"] = Field("random", description="random: anywhere; same: at the original place")
    onto: tuple[str, ...] = Field(
        ("anywhere",), min_length=1, description="anywhere, background, or classes; other pixels stay in front"
    )
    min_visible: float = Field(0.2, ge=0, le=1, description="smallest visible share of an object")
    soft_edge: float = Field(0.0, ge=0, le=10, description="sigma of softened outlines in pixels; 0 for none")


@hookimpl
def recycle_augmentations() -> Iterator[AugmentationComponent]:
    """Copy-paste, scaling, warps, colours, holes."""
    offered: list[tuple[str, str, type[Options], str, dict[str, float] | None]] = [
        ("flip", "flip:Flip", FlipOptions, "Flip photos", {}),
        ("color", "appearance:Color", ColorOptions, "Change brightness, contrast, saturation and hue", {"p": 1.0}),
        ("affine", "warp:Affine", AffineOptions, "Rotate, shift and zoom; new border pixels are ignored", {"p": 1.0}),
        ("lsj", "lsj:Lsj", LsjOptions, "Large Scale Jittering: scale, then crop or pad", {}),
        ("copy-paste", "copy_paste:CopyPaste", CopyPasteOptions, "Paste objects of other photos", {"p": 1.0}),
        ("perspective", "warp:Perspective", PerspectiveOptions, "Change the perspective", {"p": 1.0}),
        ("elastic", "warp:Elastic", ElasticOptions, "Elastic deformation", {"p": 1.0}),
        ("gamma", "appearance:Gamma", GammaOptions, "Brighter or darker tones", None),
        ("gray", "appearance:Gray", GrayOptions, "Convert to gray", None),
        ("blur", "appearance:Blur", BlurOptions, "Gaussian blur", None),
        ("noise", "appearance:Noise", NoiseOptions, "Gaussian noise", None),
        ("cutout", "holes:Cutout", CutoutOptions, "Erase squares", None),
        ("grid-mask", "holes:GridMask", GridMaskOptions, "Erase a grid", None),
    ]
    for name, place, options, summary, offline in offered:
        yield AugmentationComponent(name, f"recycle_kornia.{place}", options, summary, offline=offline)
