from recyclecli import hookimpl
from recyclecli.types import Command


@hookimpl
def recycle_commands():
    yield Command(("Acme Upload",), "acme:upload", "A path that nobody can type")
