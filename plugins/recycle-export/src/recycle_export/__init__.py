"""Exports of a run to other runtimes. Notebooks use `recycle_export.api`."""

from collections.abc import Iterable

from recyclecli import hookimpl
from recyclecli.types import Command


@hookimpl
def recycle_commands() -> Iterable[Command]:
    """What this distribution brings."""
    yield Command(
        ("export",),
        "recycle_export.command:export",
        "Export the run's best weights with a card and a script that runs them without recyclecli.",
        epilog="Example: `recycle export last --format onnx`",
    )
