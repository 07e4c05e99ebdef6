"""Offers names that packages of ours offer, too, and a loss whose options were renamed."""

from pydantic import AliasChoices, Field

from recyclecli import hookimpl
from recyclecli.types import LossComponent, ModelComponent, Options, PostprocessorComponent


class PolyOptions(Options):
    """Settings of `poly`."""

    gamma: float = Field(2.0, ge=0, validation_alias="exponent", description="how much sure pixels lose")
    beta: float = Field(1.0, validation_alias=AliasChoices("b1", "b2"), description="another")


def never(options, context):
    raise AssertionError("nobody asked for this one")


@hookimpl
def recycle_models():
    yield ModelComponent("fpn", "acme_another:never", PolyOptions, "Another FPN")
    yield ModelComponent("fcn8s", "acme_another:never", PolyOptions, "Another FCN")


@hookimpl
def recycle_losses():
    yield LossComponent("ce", "acme_another:never", PolyOptions, "Another cross-entropy")
    yield LossComponent("poly", "acme_another:never", PolyOptions, "Renamed its options")


@hookimpl
def recycle_postprocessors():
    yield PostprocessorComponent("mode-filter", "acme_another:never", PolyOptions, "Another filter")
