from recyclecli import hookimpl
from recyclecli.types import LossComponent, Options


class PlainOptions(Options):
    """None."""


@hookimpl
def recycle_losses():
    yield LossComponent("Old Loss", "acme_old:Loss", PlainOptions, "A name that is not kebab-case")
