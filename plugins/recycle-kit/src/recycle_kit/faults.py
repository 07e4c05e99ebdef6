"""What is wrong with the installed plugins, as `recycle plugins check` tells it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from importlib import import_module
from importlib.util import find_spec
from itertools import chain

from recyclecli.errors import RecycleError
from recyclecli.plugins import Plugin, RegisteredComponent, Registry
from recyclecli.records import Check, Command


def faults(registry: Registry, imported: Collection[str] = ()) -> Iterator[str]:
    """A line for each plugin that did not load, and for each part of it that could not be had.

    Args:
        registry: what is installed.
        imported: distributions whose factories are imported, too; of the others only the module is looked for.
    """
    for plugin in registry.plugins:
        if plugin.state == "failed":
            yield f"{plugin.distribution}: {plugin.cause}"
        if plugin.distribution not in imported:
            yield from _absent_targets(plugin)
    yield from _baseless_recipes(registry)
    for offer in registry.offers():
        missing = offer.missing()
        yield from (f"{offer.qualified}: pip install {need!r}" for need in missing)
        if not missing and (fault := _factory_fault(offer, offer.plugin.distribution in imported)):
            yield fault


def _absent_targets(plugin: Plugin) -> Iterator[str]:
    """The commands and checks of a plugin whose module is not there."""
    records: Iterator[Command | Check] = chain(plugin.commands, plugin.checks)
    for record in records:
        what = f"{type(record).__name__.lower()} {record.name} of {plugin.distribution}: its target"
        if record.target and (fault := _absent_module(what, record.target)):
            yield fault


def _baseless_recipes(registry: Registry) -> Iterator[str]:
    """The recipes that cannot be read, or whose bases cannot, or lead back to them; none without recycle-data."""
    if find_spec("recycle_data") is None:
        return
    bases, named = import_module("recycle_data.bases"), import_module("recycle_data.resolve").recipe_files(registry)
    for plugin in registry.plugins:
        for recipe in plugin.recipes:
            try:
                bases.whole_tree(f"{recipe.name}@{plugin.distribution}", named)
            except RecycleError as error:
                yield f"recipe {recipe.name} of {plugin.distribution}: {error.args[0]}"


def _factory_fault(offer: RegisteredComponent, imported: bool) -> str:
    """Why a component's factory cannot be had; empty where it can."""
    component = offer.component
    if imported:
        try:
            found = offer.factory()
        except RecycleError as error:
            return str(error.args[0])
        return "" if callable(found) else f"{component.kind} {offer.qualified}: {component.factory} cannot be called"
    return _absent_module(f"{component.kind} {offer.qualified}: its factory", component.factory)


def _absent_module(what: str, address: str) -> str:
    """Why a `package.module:attribute` cannot be had, by its module alone; empty where that is there."""
    module = address.partition(":")[0]
    try:
        there = find_spec(module) is not None
    except Exception:  # a package above it is missing, or raises when it is imported
        there = False
    return "" if there else f"{what} {address} has no module {module}"
