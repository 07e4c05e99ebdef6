"""The help of a group in Typer's look, without its Markdown and tracebacks, whose import takes longer than the rest."""

from __future__ import annotations

from typing import Any

from rich.padding import Padding
from rich.panel import Panel
from rich.table import Column, Table
from rich.text import Text

from recyclecli.console import Console


def print_help(group: Any, ctx: Any) -> None:
    """Print usage, help, options, the commands in the panels of their packages, and the last words of a group."""
    options = [param.get_help_record(ctx) for param in group.get_params(ctx)]
    panels: dict[str, list[tuple[str, str]]] = {"Options": list(filter(None, options))}
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        if not command.hidden:
            rows = panels.setdefault(command.rich_help_panel or "Commands", [])
            rows.append((name, " ".join((command.help or "").partition("\n\n")[0].split())))
    console = Console(highlight=False)
    console.print(Padding(Text(group.get_usage(ctx), "bold"), 1))
    console.print(Padding(Text(group.help or ""), (0, 1, 1, 1)))
    for title, rows in panels.items():
        table = Table.grid(Column(style="bold cyan", no_wrap=True), Column(ratio=1), padding=(0, 2, 0, 0))
        for row in rows:
            table.add_row(*map(Text, row))
        console.print(Panel(table, title=Text(title), title_align="left", border_style="dim"))
    if group.epilog:
        console.print(Padding(Text(group.epilog), 1))
