"""Finding plugins, keeping a broken one from harming the rest, and building parts by name."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from traceback import format_exception
from typing import Any, Literal

import pluggy
from packaging.requirements import Requirement
from pydantic import ValidationError

from recyclecli import __version__, hookspecs
from recyclecli.backends import ALLOW_LIST
from recyclecli.bundled import observers, ours
from recyclecli.errors import RecycleError, join_limited, suggest
from recyclecli.records import GROUP, Check, Command, NamedRecipe, imported
from recyclecli.types import KINDS, Component, Kind, Options

PluginState = Literal["ok", "failed", "blocked"]

HOOKS: dict[str, Kind] = {f"recycle_{'losses' if kind == 'loss' else kind + 's'}": kind for kind in KINDS}
"""Hook name to the kind of component that it may return."""

RECORDS: dict[str, type[Any]] = {"recycle_commands": Command, "recycle_recipes": NamedRecipe, "recycle_checks": Check}
"""Hook name to the record that it may return; a `Plugin` keeps them by what follows `recycle_`."""

DEFAULT = "default"  # the recipe that every other is based on


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point: where it comes from, whether it works, and what it offers.

    Attributes:
        name: of the entry point.
        distribution: the pip name of the package that holds it.
        version: of that package.
        state: `ok`; `failed` with its `cause`; `blocked` when RECYCLE_PLUGINS leaves it out.
        cause: why it offers nothing, and what to do; empty when ok.
        components: what it offers; empty unless ok.
        commands, recipes, checks: likewise.
        trace: where what it raised was raised, as Python shows it.
        note: what makes every command wait for it; empty where nothing does.
    """

    name: str
    distribution: str
    version: str
    state: PluginState = "ok"
    cause: str = ""
    components: tuple[Component, ...] = ()
    commands: tuple[Command, ...] = ()
    recipes: tuple[NamedRecipe, ...] = ()
    checks: tuple[Check, ...] = ()
    trace: str = ""
    note: str = ""

    def names(self) -> set[tuple[str, str]]:
        """What it offers: (kind, name); a group without code of its own may be named by anybody."""
        records: tuple[Any, ...] = (*(one for one in self.commands if one.target), *self.recipes, *self.checks)
        return {(str(getattr(one, "kind", _word(type(one)))), one.name) for one in (*self.components, *records)}


@dataclass(frozen=True, slots=True)
class RegisteredComponent:
    """A component and the plugin that offers it."""

    component: Component
    plugin: Plugin

    @property
    def qualified(self) -> str:
        """The name that picks it whatever else is installed: `focal@recycle-losses`."""
        return f"{self.component.name}@{self.plugin.distribution}"

    def missing(self) -> list[str]:
        """What must be pip-installed before it can be built."""
        return [need.pip for need in self.component.requires if find_spec(need.module) is None]

    def options(self, values: Mapping[str, Any]) -> Options:
        """Its settings from `values`; pydantic.ValidationError where they do not fit."""
        return self.component.options.model_validate(dict(values))

    def factory(self) -> Any:
        """Import what builds it; RecycleError where a required package is missing or that fails."""
        if missing := self.missing():
            raise RecycleError(
                f"{self.component.kind} {self.qualified} needs {join_limited(missing)}",
                f"pip install {' '.join(repr(need) for need in missing)}",
            )
        try:
            return imported(self.component.factory)
        except Exception as error:  # a broken torchvision raises RuntimeError, an old plugin SyntaxError
            remedy = f"reinstall or update {self.plugin.distribution}"
            if sys.flags.optimize > 1:
                remedy = "run python without -OO: packages read their own docstrings"
            elif isinstance(error, OSError) and error.filename:
                remedy = f"let yourself read and write {error.filename}, which a package needs while it loads"
            raise RecycleError(
                f"{self.component.kind} {self.qualified}: {self.component.factory} cannot be imported: {error}", remedy
            ) from error

    def build(self, options: Options, context: Any) -> Any:
        """Import the factory, see `factory`, and call it."""
        return self.factory()(options, context)


@dataclass(frozen=True)
class Registry:
    """What is installed. Make one with `discover`; there is no global one."""

    plugins: tuple[Plugin, ...]

    def offers(self, kind: Kind | None = None) -> list[RegisteredComponent]:
        """All components of a kind (or of every kind), in order of kind and name."""
        every = (RegisteredComponent(component, plugin) for plugin in self.plugins for component in plugin.components)
        found = (offer for offer in every if kind in (None, offer.component.kind))
        return sorted(found, key=lambda offer: (KINDS.index(offer.component.kind), offer.qualified))

    def names(self, kind: Kind) -> list[str]:
        """The bare names of a kind, each once."""
        return sorted({offer.component.name for offer in self.offers(kind)})

    def matching(self, kind: Kind | None, name: str) -> list[RegisteredComponent]:
        """The components of a kind (or of every kind) that a name means, bare or as `name@distribution`."""
        bare, _, distribution = name.partition("@")
        return [
            offer
            for offer in self.offers(kind)
            if offer.component.name == bare and distribution in ("", offer.plugin.distribution)
        ]

    def find(self, kind: Kind, name: str) -> RegisteredComponent:
        """The component called `name`, bare or as `name@distribution`; of datasets also the one of a layout's name.

        Raises:
            RecycleError: nobody offers it, or several do and the bare name does not choose.
        """
        found = self.matching(kind, name)
        bare = name.partition("@")[0]
        found = found or [offer for offer in self.offers(kind) if bare in getattr(offer.component, "layouts", ())]
        if len(found) == 1:
            return found[0]
        if found:
            raise RecycleError(
                f"{kind} {name!r} is offered by {len(found)} packages: "
                + join_limited(f"{offer.plugin.distribution} {offer.plugin.version}" for offer in found),
                f"say which: {' or '.join(offer.qualified for offer in found)}",
            )
        layouts = {layout for offer in self.offers(kind) for layout in getattr(offer.component, "layouts", ())}
        valid = suggest(name, {*self.names(kind), *layouts})
        raise RecycleError(f"no {kind} is called {name!r}", valid + self.broken())

    def recipes(self) -> dict[str, tuple[NamedRecipe, str]]:
        """The named recipes, with their packages, by what picks them: `NAME@DISTRIBUTION` where several offer one."""
        every = [(recipe, plugin.distribution) for plugin in self.plugins for recipe in plugin.recipes]
        names = [recipe.name for recipe, _ in every]
        return {one.name if names.count(one.name) == 1 else f"{one.name}@{by}": (one, by) for one, by in every}

    def encoders(self) -> dict[str, str]:
        """The modules of timm models that packages bring: by `NAME@DISTRIBUTION`, and by NAME where one brings it."""
        every = {
            f"{name}@{offer.plugin.distribution}": module
            for offer in self.offers("model")
            for name, module in getattr(offer.component, "encoders", {}).items()
        }
        bare = [key.partition("@")[0] for key in every]
        return every | {name: at for name, at in zip(bare, every.values(), strict=True) if bare.count(name) == 1}

    def absent(self, callback: str) -> str:
        """The package of ours that would bring a callback which observes, and may be missing; "" for all others."""
        bare, _, distribution = callback.partition("@")
        owner = observers().get(bare, "")
        return owner if distribution in ("", owner) and not self.matching("callback", callback) else ""

    def clashes(self) -> list[str]:
        """A line for each name that several packages offer: checks are all run, of the others one is picked."""
        packages: dict[tuple[str, str], list[str]] = {}
        for plugin in self.plugins:
            for kind, name in plugin.names():
                packages.setdefault((kind, name), []).append(f"{name}@{plugin.distribution}")
        for key in (key for key in self.encoders() if "@" in key):
            packages.setdefault(("encoder", key.partition("@")[0]), []).append(key)
        return [
            f"{kind} {name} is offered by {len(qualified)} packages; pick one: {' or '.join(qualified)}"
            for (kind, name), qualified in sorted(packages.items())
            if len(qualified) > 1 and kind != "check"
        ]

    def broken(self) -> str:
        """The plugins that were not loaded, to be added to a message."""
        broken = [plugin.distribution for plugin in self.plugins if plugin.state != "ok"]
        return f"; not loaded: {join_limited(broken)} (see `recycle plugins list`)" if broken else ""

    def build(self, kind: Kind, name: str, values: Mapping[str, Any], context: Any) -> Any:
        """Find, check the options, build: for parts that do not come through a recipe.

        Raises:
            RecycleError: unknown or ambiguous name, wrong options, missing packages.
        """
        return self.find(kind, name).build(self.options(kind, name, values), context)

    def options(self, kind: Kind, name: str, values: Mapping[str, Any]) -> Options:
        """The options of a component, checked and complete.

        Raises:
            RecycleError: unknown or ambiguous name, wrong options.
        """
        try:
            return self.find(kind, name).options(values)
        except ValidationError as error:
            offer = self.find(kind, name)
            wrong = [(".".join(map(str, one["loc"])), one["type"], one["msg"]) for one in error.errors()]
            near = {at: f"no such option; {suggest(at, offer.component.options.model_fields)}" for at, *_ in wrong}
            details = [f"{at}: {near[at] if form == 'extra_forbidden' else said}" for at, form, said in wrong]
            raise RecycleError(f"{kind} {name}: {'; '.join(details)}", f"see `recycle plugins show {name}`") from error


def allow_list() -> frozenset[str] | None:
    """Distribution names in $RECYCLE_PLUGINS, normalised; None when it is unset, all allowed."""
    value = os.environ.get(ALLOW_LIST)
    return None if value is None else frozenset(_normalised(name) for name in value.split(",") if name.strip())


def misnamed(points: Iterable[EntryPoint]) -> list[str]:
    """What $RECYCLE_PLUGINS names and is no package of these entry points, a line each."""
    names = {_normalised(_distribution(point)[0]) for point in points} | ours()
    unknown = sorted((allow_list() or frozenset()) - names)
    return [f"note: ${ALLOW_LIST} names {name}, which is not installed; {suggest(name, names)}" for name in unknown]


def discover(allow: frozenset[str] | None = None, found: Iterable[EntryPoint] | None = None) -> Registry:
    """Load every installed plugin, each on its own: one that fails takes nothing else down.

    `allow` holds normalised distribution names, `found` entry points; None is $RECYCLE_PLUGINS, and all there are.
    """
    allowed = allow_list() if allow is None else allow
    points = entry_points(group=GROUP) if found is None else found
    ordered = sorted(((*_distribution(point), point) for point in points), key=lambda found: (found[0], found[2].name))
    taken: set[tuple[str, str, str]] = set()
    plugins = []
    for distribution, version, point in ordered:
        plugin = _load(point, distribution, version, allowed)
        keys = {(distribution, *name) for name in plugin.names()}
        doubled = [f"{kind} {name}" for _, kind, name in sorted(keys & taken)]
        if doubled:  # name@distribution could not tell them apart
            cause = f"another entry point of {distribution} offers {join_limited(doubled)} already"
            plugin = Plugin(plugin.name, distribution, version, "failed", cause)
        taken |= keys
        plugins.append(plugin)
    return Registry(tuple(plugins))


def _load(point: EntryPoint, distribution: str, version: str, allowed: frozenset[str] | None) -> Plugin:
    """One plugin, whole or not at all."""
    if allowed is not None and _normalised(distribution) not in allowed | ours():
        return Plugin(point.name, distribution, version, "blocked", f"not in ${ALLOW_LIST}")
    try:
        if need := _unmet_core(point):
            raise RecycleError(f"it needs {need}, and recyclecli {__version__} is installed: update one of the two")
        with redirect_stdout(sys.stderr):
            offered = _offered(point)
            for recipe in offered["recipes"]:
                if recipe.name == DEFAULT and distribution not in ours():
                    raise RecycleError(f"the recipe {DEFAULT!r} is recyclecli's own: every recipe is based on it")
                if not recipe.path().is_file():
                    raise RecycleError(f"the recipe {recipe.name}: there is no file {recipe.path()}")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may raise anything, SystemExit too
        cause = str(error) if isinstance(error, RecycleError) else f"{type(error).__name__}: {error}"
        return Plugin(point.name, distribution, version, "failed", cause, trace="".join(format_exception(error)))
    return Plugin(point.name, distribution, version, **offered)


def _unmet_core(point: EntryPoint) -> str:
    """What its distribution asks of recyclecli that this one is not: `recyclecli>=0.3`; "" where it suits."""
    for text in (point.dist and point.dist.requires) or ():
        if re.match(r"recyclecli(?![\w.-]*[a-zA-Z])", text):
            need = Requirement(text)
            asked = need.marker is None or need.marker.evaluate({"extra": ""})
            if asked and not need.specifier.contains(__version__, prereleases=True):
                return f"{need.name}{need.specifier}"
    return ""


def _offered(point: EntryPoint) -> dict[str, Any]:
    """The fields of a `Plugin`: what its hooks return."""
    manager = pluggy.PluginManager("recyclecli")
    manager.add_hookspecs(hookspecs)
    try:
        module = point.load()
    except (ImportError, AttributeError) as error:
        raise RecycleError(f"its entry point names {point.value}, which cannot be imported: {error}") from error
    manager.register(module, point.name)
    marks = {name: getattr(getattr(module, name, None), "recyclecli_impl", None) for name in dir(module)}
    marked = {mark["specname"] or name for name, mark in marks.items() if mark is not None}
    hooks = {**HOOKS, **RECORDS}
    if unknown := sorted(marked - hooks.keys()):
        advice = f"upgrade recyclecli, or correct the name; {suggest(unknown[0], hooks)}"
        raise RecycleError(f"hook {join_limited(unknown)} is unknown to this recyclecli: {advice}")
    if not marked:
        raise RecycleError(f"{point.value} marks no function with @hookimpl; the hooks are {join_limited(hooks)}")
    components = [
        one
        for hook, kind in HOOKS.items()
        for one in _returned(manager, hook, hook in marked, f"{kind} component", Component, kind)
    ]
    records = {
        hook.removeprefix("recycle_"): tuple(_returned(manager, hook, hook in marked, _word(form), form))
        for hook, form in RECORDS.items()
    }
    return {"components": tuple(components), **records}


def _word(form: type[Any]) -> str:
    return form.__name__.removeprefix("Named").lower()


def _returned(
    manager: pluggy.PluginManager, hook: str, marked: bool, what: str, form: type[Any], kind: Kind | None = None
) -> Iterator[Any]:
    """What a hook returned, once it is checked to be of this form and kind."""
    if not (results := getattr(manager.hook, hook)()) and marked:
        raise RecycleError(f"{hook} returned None: let it yield {what}s")
    names: set[str] = set()
    for one in (one for offered in results for one in offered):
        if not isinstance(one, form) or getattr(one, "kind", kind) != kind:
            raise RecycleError(f"{hook} returned {getattr(one, 'name', one)!r}, which is no {what}")
        if one.name in names:
            raise RecycleError(f"{hook} returned {one.name!r} twice")
        names.add(one.name)
        yield one


def _distribution(point: EntryPoint) -> tuple[str, str]:
    unknown = {"Name": "unknown", "Version": "unknown"}
    metadata = point.dist.metadata if point.dist else unknown  # parsed anew at each access
    return metadata["Name"], metadata["Version"]


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()
