from recyclecli import hookimpl
from recyclecli.types import LossComponent, Options


class PlainOptions(Options):
    """None."""


print("noise at import")


@hookimpl
def recycle_losses():
    print("noise in a hook")
    yield LossComponent("chatty", "acme_prints:Chatty", PlainOptions, "Talks")
