"""Datasets for recyclecli: the manifest."""

from collections.abc import Iterator

from pydantic import Field

from recyclecli import hookimpl
from recyclecli.types import DatasetComponent, Options


class CocoOptions(Options):
    """A COCO file says everything; there is nothing to set."""


class SampleOptions(Options):
    """What the sample set looks like."""

    images: int = Field(60, ge=1, description="number of photos")
    size: int = Field(384, ge=64, le=2048, description="side of each photo in pixels")
    seed: int = Field(0, ge=0, description="the same seed draws the same photos")


@hookimpl
def recycle_datasets() -> Iterator[DatasetComponent]:
    """COCO folders and the sample set."""
    yield DatasetComponent(
        name="coco",
        factory="recycle_datasets.coco:open_coco",
        options=CocoOptions,
        summary="Photos with COCO annotations: polygons, RLE, crowds, ignored regions",
    )
    yield DatasetComponent(
        name="sample",
        factory="recycle_datasets.sample:SampleSource",
        options=SampleOptions,
        summary="Drawn photos of waste in the ten materials of the recyclables contest",
    )
