from recyclecli import hookimpl
from recyclecli.types import LossComponent, Options


class PlainOptions(Options):
    """None."""


@hookimpl
def recycle_losses():
    yield LossComponent("acme", "acme_clash:Acme", PlainOptions, "Another loss of the same name")
