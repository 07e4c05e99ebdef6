"""Post-processors for recyclecli: the manifest."""

from collections.abc import Iterator

from pydantic import Field

from recyclecli import hookimpl
from recyclecli.types import Options, PostprocessorComponent, Requirement


class DenseCrfOptions(Options):
    """Settings of `densecrf`."""

    iterations: int = Field(5, ge=1, le=100, description="mean-field steps")
    gaussian_sdims: float = Field(3.0, gt=0, description="reach of the smoothness kernel in pixels")
    gaussian_compat: float = Field(3.0, ge=0, description="weight of the smoothness kernel")
    bilateral_sdims: float = Field(80.0, gt=0, description="reach of the appearance kernel in pixels")
    bilateral_schan: float = Field(13.0, gt=0, description="reach of the appearance kernel in grey levels")
    bilateral_compat: float = Field(10.0, ge=0, description="weight of the appearance kernel")


class ModeFilterOptions(Options):
    """Settings of `mode-filter`."""

    size: int = Field(3, ge=3, le=31, description="side of the window in pixels")


@hookimpl
def recycle_postprocessors() -> Iterator[PostprocessorComponent]:
    """Dense CRF and the mode filter."""
    yield PostprocessorComponent(
        "densecrf",
        "recycle_densecrf.densecrf:DenseCrf",
        DenseCrfOptions,
        "Fully connected CRF: edges of labels move to edges of the photo",
        requires=(Requirement("pydensecrf", "pydensecrf2>=1.1"),),
    )
    yield PostprocessorComponent(
        "mode-filter",
        "recycle_densecrf.mode:ModeFilter",
        ModeFilterOptions,
        "The most frequent label around each pixel",
    )
