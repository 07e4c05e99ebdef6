from recyclecli import hookimpl
from recyclecli.types import ModelComponent, Options


class NoOptions(Options):
    """None."""


@hookimpl
def recycle_models():
    yield ModelComponent("tiny", "tiny_net:Tiny", NoOptions, "Three convolutions: for tests of what is around a model")
