"""Discovering plugins with patience, and describing what they offer for the manifest.

    python -m recyclecli.discovery [PACKAGE]...

discovers them in a process of its own, stores the manifest and prints it, a line for each package before: the last one
named by a process that ended early is the one that ended it. Packages given are not loaded for that.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from importlib.metadata import EntryPoint, distributions
from threading import Thread, Timer
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from recyclecli import plugins
from recyclecli.backends import ALLOW_LIST
from recyclecli.errors import join_limited
from recyclecli.manifest import (
    CommandEntry,
    Form,
    Manifest,
    Offered,
    RecipeEntry,
    Setting,
    ended,
    fingerprint,
    plugin_points,
    store,
    stored_manifest,
)
from recyclecli.plugins import Plugin, Registry
from recyclecli.records import GROUP
from recyclecli.types import Component

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

log = logging.getLogger("recycle.core")
PATIENCE = 10.0  # seconds that a plugin may take before it is told, or left out
SLOW = 2.0  # seconds of a plugin's own loading that every command would wait for
HEAVY = ("torch", "tensorflow", "jax", "matplotlib", "cv2")  # packages that a manifest has no need of
LIFETIME = 60.0  # seconds after which the process that discovers ends whatever it is doing

_last: dict[str, Registry] = {}  # what this process discovered last, by its fingerprint


def discover() -> Registry:
    """`recyclecli.plugins.discover`, which says after a while whom it waits for, and stores the manifest.

    While nothing is installed or changed, a process discovers once; plugins that do not load are tried again.
    """
    points = plugin_points()
    made_from = fingerprint(points)
    stored = stored_manifest(made_from)
    if made_from in _last and stored:
        return _last[made_from]
    found: list[Plugin] = []
    fatal = {*ended, *(stored.fatal if stored else ())}
    for line in plugins.misnamed(points):
        log.warning(line)
    for name, own in _by_distribution(points):
        if name in fatal:
            found += _ending(own)
            continue
        before, began = heavy(), time.monotonic()
        waiting = Timer(PATIENCE, _say_waiting, (name, before))
        waiting.daemon = True
        waiting.start()
        try:
            loaded = plugins.discover(found=own).plugins
        finally:
            waiting.cancel()
        found += (replace(one, note=_note(time.monotonic() - began, before)) for one in loaded)
    registry = Registry(tuple(found))
    store(manifest_of(registry, points, fatal))
    _last.clear()
    if all(plugin.state != "failed" for plugin in registry.plugins):
        _last[made_from] = registry
    return registry


def heavy() -> list[str]:
    """Packages that take seconds to import, as far as this process has imported them."""
    return [name for name in HEAVY if name in sys.modules]


def _note(seconds: float, before: list[str]) -> str:
    """What makes all commands wait for a plugin that was loaded since these heavy packages were there."""
    if imports := [name for name in heavy() if name not in before]:
        return f"its manifest imports {join_limited(imports)}, which every command waits for: import it in the factory"
    return f"its manifest takes {seconds:.0f} s to load, which every command waits for" if seconds > SLOW else ""


def _say_waiting(name: str, before: list[str]) -> None:
    """Say whom a command waits for: whether it is slow, or hangs."""
    imports = [one for one in heavy() if one not in before]
    why = f"is slow, as it imports {join_limited(imports)}" if imports else "does not finish loading"
    remedy = f"end this with Ctrl-C; uninstall {name}, or leave it out with ${ALLOW_LIST}"
    log.warning(f"still waiting for the plugin {name}, which {why}\n  remedy: {remedy}")


def misplaced() -> list[str]:
    """A line for each entry point that is meant for recyclecli, and lies in a group that it does not read."""
    every = [(one.name, point) for one in distributions() for point in one.entry_points]
    return [
        f"{name} offers {point.name} in the entry-point group {point.group!r}, which is not read: move it to {GROUP!r}"
        for name, point in dict.fromkeys(every)
        if point.group.startswith("recycle") and point.group != GROUP
    ]


def manifest_of(registry: Registry, points: Iterable[EntryPoint], fatal: Iterable[str] = ()) -> Manifest:
    """The manifest of what is registered, from these entry points; `fatal` packages were not loaded."""
    return Manifest(
        fingerprint=fingerprint(points),
        packages=tuple(dict.fromkeys(plugin.distribution for plugin in registry.plugins)),
        components=tuple(offered(offer.component, offer.plugin.distribution) for offer in registry.offers()),
        commands=tuple(
            CommandEntry(**asdict(command), distribution=plugin.distribution)
            for plugin in registry.plugins
            for command in plugin.commands
        ),
        failed=tuple(plugin.distribution for plugin in registry.plugins if plugin.state == "failed"),
        recipes=tuple(
            RecipeEntry(name, str(recipe.path()), recipe.summary, distribution)
            for name, (recipe, distribution) in registry.recipes().items()
        ),
        fatal=tuple(fatal),
    )


def offered(component: Component, distribution: str) -> Offered:
    """A component as the manifest keeps it."""
    fields = component.options.model_fields
    offline: Mapping[str, Any] | None = getattr(component, "offline", None)
    return Offered(
        kind=component.kind,
        name=component.name,
        distribution=distribution,
        summary=component.summary,
        settings=tuple(setting_of(name, field) for name, field in fields.items()),
        offline=None if offline is None else {name: _shown(value) for name, value in offline.items()},
        layouts=dict(getattr(component, "layouts", {})),
        factory=component.factory,
        encoders=tuple(getattr(component, "encoders", {})),
    )


def setting_of(name: str, field: FieldInfo) -> Setting:
    """A field of a component's options, or of the recipe."""
    form, metavar = _form(field)
    default = "" if field.is_required() else _shown(field.get_default(call_default_factory=True))
    choices = (_choices(field) if form == "text" else ()) or tuple(str(one) for one in field.examples or ())
    return Setting(name, field.description or "", form, metavar, default, choices)


def _plain(field: FieldInfo) -> Any:
    """The type of an option, without `| None`."""
    kinds = [kind for kind in get_args(field.annotation) if kind is not type(None)]
    return kinds[0] if len(kinds) == 1 and type(None) in get_args(field.annotation) else field.annotation


def _choices(field: FieldInfo) -> tuple[str, ...]:
    plain = _plain(field)
    return tuple(str(choice) for choice in get_args(plain)) if get_origin(plain) is Literal else ()


def _form(field: FieldInfo) -> tuple[Form, str]:
    """How an option is given, and what its value is called."""
    plain = _plain(field)
    origin = get_origin(plain) or plain
    if origin is bool:
        return "flag", ""
    if origin is Literal:
        return "text", "|".join(_choices(field))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "mapping", "KEY=VALUE"
    if origin in (tuple, list, set, frozenset):
        return "list", _metavar(get_args(plain)[0] if get_args(plain) else str)
    return "text", _metavar(origin)


def _metavar(kind: Any) -> str:
    return {int: "INTEGER", float: "NUMBER"}.get(kind, "TEXT")


def _shown(value: Any) -> str:
    if value in (None, (), [], {}, ""):
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    return ", ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)


def _by_distribution(points: Iterable[EntryPoint]) -> list[tuple[str, list[EntryPoint]]]:
    """Entry points by their distribution, in its order."""
    groups: dict[str, list[EntryPoint]] = {}
    for point in points:
        groups.setdefault(point.dist.name if point.dist else "unknown", []).append(point)
    return sorted(groups.items())


def _ending(points: list[EntryPoint]) -> list[Plugin]:
    """The plugins of a distribution that ends the process which imports it, none of them loaded."""
    cause = "ends the process that imports it"
    return [Plugin(one.name, one.dist.name, one.dist.version, "failed", cause) for one in points if one.dist]


def _patiently(name: str, points: list[EntryPoint]) -> tuple[Plugin, ...]:
    """The plugins of a distribution; a failed one where nothing more is imported, and it does not finish loading."""
    found: list[Plugin] = []
    thread = Thread(target=lambda: found.extend(plugins.discover(found=points).plugins), daemon=True)
    thread.start()
    thread.join(PATIENCE / 2)
    seen = 0
    while thread.is_alive() and len(sys.modules) != seen:
        seen = len(sys.modules)
        thread.join(PATIENCE / 2)
    return tuple(found) or (Plugin(name, name, "", "failed", "does not finish loading"),)


def main() -> None:
    """Discover, store, print."""
    faulthandler.dump_traceback_later(LIFETIME, exit=True)  # also where a plugin holds the interpreter
    points, fatal = plugin_points(), sys.argv[1:]
    found: list[Plugin] = []
    for name, own in _by_distribution(points):
        print(name, file=sys.__stdout__, flush=True)
        found += _ending(own) if name in fatal else _patiently(name, own)
    manifest = manifest_of(Registry(tuple(found)), points, fatal)
    store(manifest)
    try:
        print(manifest.text(), file=sys.__stdout__, flush=True)
    except OSError:  # whoever asked has gone
        os._exit(0)


if __name__ == "__main__":
    main()
