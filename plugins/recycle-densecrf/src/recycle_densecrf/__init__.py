"""Post-processors for recyclecli: the manifest.

`densecrf` is the CRF on the CPU (`meanfield`, `lattice`), `torchfield` and `torchlattice` are it on a GPU; `islands`
and `mode` clean up labels.
"""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, field_validator

from recyclecli import hookimpl
from recyclecli.types import Options, PostprocessorComponent, Requirement

COMPILER = (Requirement("numba", "numba>=0.61"),)


class DenseCrfOptions(Options):
    """Settings of `densecrf`."""

    iterations: int = Field(5, ge=1, le=100, description="mean-field steps")
    gaussian_sdims: float = Field(3.0, gt=0, description="reach of the smoothness kernel in pixels")
    gaussian_compat: float = Field(3.0, ge=0, description="weight of the smoothness kernel")
    bilateral_sdims: float = Field(80.0, gt=0, description="reach of the appearance kernel in pixels")
    bilateral_schan: float = Field(13.0, gt=0, description="reach of the appearance kernel in grey levels")
    bilateral_compat: float = Field(10.0, ge=0, description="weight of the appearance kernel")
    guard_area: float = Field(
        0.002,
        ge=0,
        le=1,
        description="restore confident regions up to this share of the photo that the CRF removed; 0: none",
    )
    guard_confidence: float = Field(0.6, ge=0, le=1, description="smallest mean probability of a restored region")
    threads: int = Field(0, ge=0, le=256, description="CPU threads; 0: torch's, up to 8")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: where the model runs")
    implementation: Literal["lattice", "pydensecrf"] = Field(
        "lattice", description="ours, or pydensecrf on one thread, for comparison"
    )


class ModeFilterOptions(Options):
    """Settings of `mode-filter`."""

    size: int = Field(3, ge=3, le=31, description="side of the window in pixels, an odd number")

    @field_validator("size")
    @classmethod
    def _odd(cls, size: int) -> int:
        if size % 2 == 0:
            raise ValueError("a window with a middle has an odd side")
        return size


class RemoveIslandsOptions(Options):
    """Settings of `remove-islands`."""

    area: float = Field(0.0005, gt=0, lt=1, description="smallest region that stays, as a share of the photo")


class FillHolesOptions(Options):
    """Settings of `fill-holes`."""

    area: float = Field(0.002, gt=0, le=1, description="largest hole that is filled, as a share of the photo")


@hookimpl
def recycle_postprocessors() -> Iterator[PostprocessorComponent]:
    """Dense CRF and the label filters."""
    yield PostprocessorComponent(
        "densecrf",
        "recycle_densecrf.densecrf:DenseCrf",
        DenseCrfOptions,
        "Fully connected CRF: aligns label edges with image edges",
        requires=COMPILER,
        search={
            "bilateral_compat": (4.0, 10.0),
            "bilateral_sdims": (30.0, 80.0),
            "bilateral_schan": (5.0, 13.0),
        },
    )
    yield PostprocessorComponent(
        "fill-holes",
        "recycle_densecrf.islands:FillHoles",
        FillHolesOptions,
        "Fill small holes in objects",
        requires=COMPILER,
        search={"area": (0.0005, 0.002, 0.01)},
    )
    yield PostprocessorComponent(
        "mode-filter",
        "recycle_densecrf.mode:ModeFilter",
        ModeFilterOptions,
        "The most frequent label around each pixel",
        search={"size": (3, 5, 9)},
    )
    yield PostprocessorComponent(
        "remove-islands",
        "recycle_densecrf.islands:RemoveIslands",
        RemoveIslandsOptions,
        "Replace small regions by the surrounding label",
        requires=COMPILER,
        search={"area": (0.0002, 0.0005, 0.002)},
    )
