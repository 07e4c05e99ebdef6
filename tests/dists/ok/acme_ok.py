from recyclecli import hookimpl
from recyclecli.types import LossComponent, Options


class PlainOptions(Options):
    """None."""


@hookimpl
def recycle_losses():
    yield LossComponent("acme", "acme_ok:Acme", PlainOptions, "A loss")
