"""The local web page, as the command `recycle serve`.

`app` answers, `guard` and `protocol` refuse, `fair_queue` says who is next, `upload` and `photo` take bytes in,
`loaded_run` predicts; `templates/` and `static/` are the page.
"""

from collections.abc import Iterable

from recyclecli import hookimpl
from recyclecli.types import Command


@hookimpl
def recycle_commands() -> Iterable[Command]:
    """What this distribution brings."""
    yield Command(
        ("serve",),
        "recycle_serve.command:serve",
        "Start a local web page: drop a photo, see its materials. Photos stay on this machine.",
        epilog="Example: `recycle serve last --open`",
    )
