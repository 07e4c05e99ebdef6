"""PolyLoss for recyclecli: the manifest, imported whenever plugins are listed, so it stays light."""

from collections.abc import Iterator

from pydantic import Field

from recyclecli import hookimpl
from recyclecli.types import LossComponent, Options


class PolyOptions(Options):
    """Settings of `poly`."""

    epsilon: float = Field(1.0, ge=-1, description="weight of the first polynomial term beside cross-entropy")


@hookimpl
def recycle_losses() -> Iterator[LossComponent]:
    """The one loss of this package."""
    yield LossComponent(
        name="poly",
        factory="recycle_loss_example.poly:Poly",
        options=PolyOptions,
        summary="Cross-entropy plus epsilon times what is missing from certainty",
    )
