from recyclecli import hookimpl
from recyclecli.types import Command


@hookimpl
def recycle_commands():
    yield Command(("acme",), "acme_whole_app:app", "A whole app")
    yield Command(("data",), "acme_whole_app:app", "An app in the place of a group of ours")
    yield Command(("solo",), "acme_whole_app:solo", "A command that others have as a group")
    yield Command(("both",), "acme_whole_app:solo", "A command")
    yield Command(("both", "below"), "acme_whole_app:solo", "A command below it")
