from recyclecli import hookimpl
from recyclecli.types import Command


@hookimpl
def recycle_commands():
    for how in ("raises", "exits", "missing", "value"):
        yield Command(("broken", how), f"acme_broken_{how}:run", "A command that cannot run")
