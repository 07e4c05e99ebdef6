"""`recycle plugins check`"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from recyclecli.cli.candidates import installed

if TYPE_CHECKING:
    from recyclecli.plugins import Plugin


def _packages(ctx: typer.Context) -> list[str]:
    """Offers the installed plugin packages."""
    return list(installed(ctx).packages)


def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PACKAGE]...",
            help="Also import these packages' components and run the tests of their kinds.",
            autocompletion=_packages,
        ),
    ] = None,
) -> None:
    """For CI: exit code 1 if a plugin does not load, lacks a package, or fails the tests of its kind."""
    from recycle_kit.faults import faults
    from recyclecli.discovery import discover
    from recyclecli.errors import ChecksFailed, RecycleError, counted, suggest

    registry = discover()
    offers = {name: [offer for offer in registry.offers() if offer.plugin.distribution == name] for name in names or ()}
    known = [plugin.distribution for plugin in registry.plugins]
    for name in offers:
        if name not in known:
            raise RecycleError(f"no plugin package is called {name!r}", suggest(name, known))
    for clash in registry.clashes():
        print(f"note: {clash}", file=sys.stderr)
    for plugin in registry.plugins:
        if plugin.note:
            print(f"note: {plugin.distribution}: {plugin.note}", file=sys.stderr)
    found = list(faults(registry, offers))
    found += [fault for plugin in registry.plugins if plugin.distribution in offers for fault in _unusable(plugin)]
    parts = {name: [(str(one.component.kind), one.qualified) for one in own] for name, own in offers.items()}
    for plugin in registry.plugins:
        if plugin.distribution in parts:
            parts[plugin.distribution] += _records(plugin)
    if not found:
        found = [fault for name, own in parts.items() for fault in _broken_rules(name, own)]
    if found:
        raise ChecksFailed("\n  ".join([f"{counted(len(found), 'fault')} in the installed plugins:", *found]))
    tested = [name for own in parts.values() for kind, name in own if kind != "dataset"]
    held = f", {counted(len(tested), 'part')} held to the tests of their kinds" if tested else ""
    present = f"{counted(len(registry.plugins), 'plugin')}, {counted(len(registry.offers()), 'component')}"
    print(f"{present}{held}, no faults")


def _unusable(plugin: Plugin) -> Iterator[str]:
    """The commands of a plugin that cannot be imported."""
    from dataclasses import asdict

    from recyclecli.cli.group import command_of
    from recyclecli.errors import RecycleError
    from recyclecli.manifest import CommandEntry

    for command in plugin.commands:
        try:
            if command.target:
                command_of(CommandEntry(**asdict(command), distribution=plugin.distribution))
        except RecycleError as error:
            yield str(error.args[0])


def _records(plugin: Plugin) -> Iterator[tuple[str, str]]:
    """The commands, recipes and checks of a plugin, as `recycle_kit.scaffold.conformance_tests` takes them."""
    commands = [command for command in plugin.commands if command.target]
    for kind, records in (("command", commands), ("recipe", plugin.recipes), ("check", plugin.checks)):
        yield from ((kind, f"{record.name}@{plugin.distribution}") for record in records)


def _broken_rules(name: str, parts: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The rules of their kinds that parts of a package do not keep."""
    from recycle_kit.verdict import broken_rules

    if parts and all(kind == "dataset" for kind, _ in parts):
        print(f"note: {name} offers datasets alone, whose tests need data: run the package's own", file=sys.stderr)
    elif parts:
        yield from broken_rules(parts)
