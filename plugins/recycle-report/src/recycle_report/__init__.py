"""The report of a run: one HTML file. Notebooks use `recycle_report.api`.

`page` gathers and fills `templates/`, `figures` draws, `gallery` picks photos, `line_metrics` counts as a sorting
line does, `summary` says it in sentences; `callback` writes it when a run is complete.
"""

from collections.abc import Iterable

from recycle_report.options import ReportOptions
from recyclecli import hookimpl
from recyclecli.types import CallbackComponent, Command


@hookimpl
def recycle_commands() -> Iterable[Command]:
    """What this distribution brings."""
    yield Command(
        ("report",),
        "recycle_report.command:report",
        "Score a run on its validation photos and write report.html, one file that needs no network.",
        epilog="Example: `recycle report last`",
    )


@hookimpl
def recycle_callbacks() -> Iterable[CallbackComponent]:
    """What this distribution brings."""
    yield CallbackComponent(
        "report",
        "recycle_report.callback:Report",
        ReportOptions,
        "Writes report.html at the end of a training",
        observes=True,
    )
