from recyclecli import hookimpl
from recyclecli.types import ModelComponent, Options


class PlainOptions(Options):
    """None."""


@hookimpl
def recycle_losses():
    yield ModelComponent("misplaced", "acme_wrong_kind:Net", PlainOptions, "A model from the hook of losses")
