from recyclecli import hookimpl
from recyclecli.types import LossComponent, ModelComponent, Options


class PlainOptions(Options):
    """None."""


@hookimpl
def recycle_losses():
    yield LossComponent("half", "acme_half:Half", PlainOptions, "Would be fine by itself")


@hookimpl
def recycle_models():
    yield ModelComponent("half-net", "acme_half:Net", PlainOptions, "Fine too")
    raise ValueError("the second hook broke")
