"""What is wrong with the installed plugins, as `recycle plugins check` tells it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from importlib.util import find_spec

from recyclecli.errors import RecycleError
from recyclecli.plugins import RegisteredComponent, Registry


def faults(registry: Registry, imported: Collection[str] = ()) -> Iterator[str]:
    """A line for each plugin that did not load, and for each component that could not be built.

    Args:
        registry: what is installed.
        imported: distributions whose factories are imported, too; of the others only the module is looked for.
    """
    for plugin in registry.plugins:
        if plugin.state == "failed":
            yield f"{plugin.distribution}: {plugin.cause}"
    for offer in registry.offers():
        missing = offer.missing()
        yield from (f"{offer.qualified}: pip install {need!r}" for need in missing)
        if not missing and (fault := _factory_fault(offer, offer.plugin.distribution in imported)):
            yield fault


def _factory_fault(offer: RegisteredComponent, imported: bool) -> str:
    """Why a component's factory cannot be had; empty where it can."""
    component = offer.component
    if imported:
        try:
            found = offer.factory()
        except RecycleError as error:
            return str(error.args[0])
        return "" if callable(found) else f"{component.kind} {offer.qualified}: {component.factory} cannot be called"
    module = component.factory.partition(":")[0]
    try:
        there = find_spec(module) is not None
    except Exception:  # a package above it is missing, or raises when it is imported
        there = False
    return (
        "" if there else f"{component.kind} {offer.qualified}: its factory {component.factory} has no module {module}"
    )
