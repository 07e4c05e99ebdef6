from recyclecli import hookimpl
from recyclecli.types import LossComponent, Options


class PlainOptions(Options):
    """None."""


@hookimpl
def recycle_losses():
    yield LossComponent("futuristic", "acme_unknown_hook:Loss", PlainOptions, "Half of a newer plugin")


@hookimpl
def recycle_samplers():
    return ()
