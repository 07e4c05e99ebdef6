"""Parts that keep the rules of their kinds, and some that break one each."""

from pydantic import Field

from recyclecli import hookimpl
from recyclecli.types import AugmentationComponent, LossComponent, ModelComponent, Options, PostprocessorComponent


class NoOptions(Options):
    """None."""


class FilterOptions(Options):
    """Of a filter."""

    size: int = Field(3, description="side of the window")


@hookimpl
def recycle_losses():
    for name in ("shrinks", "rewards", "two-classes"):
        yield LossComponent(name, f"acme_parts:{name.replace('-', '_')}", NoOptions, "A loss")


@hookimpl
def recycle_models():
    for name in ("tied", "untied", "outputs", "aux-list", "counts"):
        yield ModelComponent(name, f"acme_parts:{name.replace('-', '_')}", NoOptions, "A model")


@hookimpl
def recycle_augmentations():
    yield AugmentationComponent("other-chance", "acme_parts:other_chance", NoOptions, "Draws with numpy")
    yield AugmentationComponent("hides", "acme_parts:hides", NoOptions, "Takes objects away")


@hookimpl
def recycle_postprocessors():
    yield PostprocessorComponent("in-place", "acme_parts:in_place", NoOptions, "Writes into what it is given")
    search = {"size": (3, "5")}
    yield PostprocessorComponent(
        "wrong-search", "acme_parts:keeps", FilterOptions, "Its search holds a text", (), search
    )
