"""Which component the entries of a recipe mean: by the package that they were found in, and its options' names now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from shlex import quote

from recycle_data.recipe_tree import Tree, named_parts
from recyclecli.errors import RecycleError
from recyclecli.option_names import earlier_names
from recyclecli.plugins import RegisteredComponent, Registry
from recyclecli.types import Kind

Packages = Mapping[str, str]
"""Distributions to their versions, as they were when a run was trained."""


def pinned(registry: Registry, kind: Kind, name: str, made_with: Packages) -> str:
    """`name`, with its distribution where several offer it and one alone of them was there at the training."""
    offers = registry.matching(kind, name)
    there = [offer for offer in offers if offer.plugin.distribution in made_with]
    return there[0].qualified if len(offers) > len(there) == 1 else name


def encoders(registry: Registry, made_with: Packages) -> dict[str, str]:
    """`Registry.encoders`; of several packages that bring one, a bare name means the one that was there alone."""
    brought = registry.encoders()
    there = [key for key in brought if key.partition("@")[2] in made_with]
    names = [key.partition("@")[0] for key in there]
    return {name: brought[key] for name, key in zip(names, there, strict=True) if names.count(name) == 1} | brought


def found(registry: Registry, kind: Kind, name: str, made_with: Packages) -> RegisteredComponent:
    """The component that an entry names.

    Raises:
        RecycleError: it is not there: the package that brings it, with its version at the training, and how to get it.
    """
    name = pinned(registry, kind, name, made_with)
    bare, _, distribution = name.partition("@")
    if registry.matching(kind, name) or not (distribution or made_with):
        return registry.find(kind, name)
    present = {plugin.distribution: plugin for plugin in registry.plugins}
    if not distribution:
        gone = {package: version for package, version in made_with.items() if package not in present}
        try:
            return registry.find(kind, name)
        except RecycleError as error:
            if not gone:
                raise
            were = " ".join(quote(f"{package}=={version}") for package, version in gone.items())
            cause = f"{error.args[0]}; of what the run was trained with, these packages are not installed"
            raise RecycleError(f"{cause}: {were.replace('==', ' ')}", f"pip install {were}") from error
    plugin, version = present.get(distribution), made_with.get(distribution)
    wanted = quote(f"{distribution}=={version}" if version else distribution)
    if plugin is None:
        text = f"{kind} {bare} is of {distribution} {version or ''}".rstrip()
        raise RecycleError(f"{text}, which is not installed", f"pip install {wanted}")
    if plugin.state != "ok":
        raise RecycleError(
            f"{kind} {bare} is of {distribution}, which is not loaded: {plugin.cause}", "recycle plugins list"
        )
    before = f"; {version} did" if version not in (None, plugin.version) else ""
    raise RecycleError(
        f"{distribution} {plugin.version} offers no {kind} {bare}{before}",
        f"pip install {wanted}" if before else "recycle plugins list",
    )


def pin(tree: Tree, registry: Registry, made_with: Packages) -> None:
    """Give the entries of a tree that is spelled out their distributions, see `pinned`."""
    for slot, part in named_parts(tree):
        if isinstance(part, dict) and isinstance(part.get("name"), str):
            part["name"] = pinned(registry, slot.kind, part["name"], made_with)


def rename(tree: Tree, registry: Registry) -> Iterator[str]:
    """Give options that are called by earlier names their present ones, which go before; a line for each."""
    for slot, part in named_parts(tree):
        name = part.get("name") if isinstance(part, dict) else None
        offers = registry.matching(slot.kind, name) if isinstance(name, str) else []
        for old, new in earlier_names(offers[0].component.options).items() if len(offers) == 1 else ():
            if old in part:
                part[new] = part.pop(old)
                key = ".".join((*slot.path, offers[0].component.name) if slot.several else slot.path)
                yield f"note: {key}.{old} is called {new} now"
