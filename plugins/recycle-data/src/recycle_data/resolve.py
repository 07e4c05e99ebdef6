"""Making a recipe of a YAML file, flags and dotted overrides, or saying all that is wrong with them."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from recycle_coco.once import warn_once
from recycle_coco.yaml import parse_yaml

from recycle_data.bases import whole_tree
from recycle_data.migrate_recipe import MOVED
from recycle_data.named_parts import Packages, found, pin, rename
from recycle_data.recipe_tree import assign, named_parts, spelled_out
from recyclecli.errors import RecycleError, counted, suggest
from recyclecli.home import expanded
from recyclecli.plugins import Registry
from recyclecli.printable import short_repr
from recyclecli.private import map_texts
from recyclecli.recipe import LISTS, DataFile, DataSection, ListedPart, LossPart, Recipe
from recyclecli.settings import ComponentSpec
from recyclecli.types import KINDS, Kind

log = logging.getLogger("recycle.data")

KEY = 200  # characters of a key that a message names


def resolve(
    registry: Registry,
    recipe: str | Path | None = None,
    flags: Mapping[str, Any] | None = None,
    overrides: Sequence[str] = (),
    needed: Collection[Kind] = KINDS,
    made_with: Packages = {},
) -> Recipe:
    """Its base < the recipe < flags and `-o key=value`, checked whole against what is installed.

    Args:
        registry: the installed components.
        recipe: by name, or a YAML file; None for `default`.
        flags: dotted key to value, from the command line's own flags. With `data.root` the annotation files of the
            recipe that lie in its root move along.
        overrides: `key=value` texts; the value is read as YAML.
        needed: kinds of components that must be there; what is wrong with others leaves them as they are written.
        made_with: the packages that a run was trained with: they decide between several that offer one name.

    Raises:
        RecycleError: every fault at once, a line each, with its key, value and the nearest valid name.
    """
    tree = spelled_out(whole_tree(recipe, recipe_files(registry)))
    pin(tree, registry, made_with)
    warn_once(log, *rename(tree, registry))
    faults: list[str] = []
    settings = {key: map_texts(value, expanded) for key, value in (flags or {}).items()}
    for text in overrides:
        key, sign, value = text.partition("=")
        key = key.strip()
        if not sign or not key:
            faults.append(f"-o {text}: not of the form key=value")
        elif key in settings or key.removesuffix(".name") in settings:
            faults.append(f"{key} is set twice, last by -o {text}")
        else:
            try:
                settings[key] = map_texts(parse_yaml(value), expanded)
            except ValueError as error:
                faults.append(f"-o {text[:80]}: the value is not YAML: {str(error).splitlines()[0]}")
    if "data.root" in settings:
        _move(tree["data"], settings["data.root"])
    # a name replaces its component and drops its options, so names come before options
    for key in sorted(settings, key=lambda key: key.count(".") - key.endswith(".name")):
        try:
            assign(tree, key, settings[key])
        except LookupError as error:
            faults.append(f"{key} = {short_repr(settings[key])}: {error.args[0]}")
        except (AttributeError, TypeError):
            faults.append(f"{key} = {short_repr(settings[key])}: it would be set in no section of keys and values")
    warn_once(log, *rename(tree, registry))
    try:
        resolved = Recipe.model_validate(tree)
        complete, more = _complete(resolved.parts(), registry, needed, made_with)
        faults += more
    except ValidationError as error:
        faults += [_fault(Recipe, detail) for detail in error.errors()]
        faults += _complete(_sound_parts(tree), registry, needed, made_with)[1]
    if faults:
        _, package = registry.recipes().get(str(recipe), (None, ""))
        source = f"{recipe} of {package}" if package else recipe
        where = f"the recipe ({source})" if recipe else "the recipe"
        raise RecycleError("\n  ".join([f"{counted(len(faults), 'fault')} in {where}:", *faults]))
    lists = {key: tuple(complete[id(part)] for part in getattr(resolved, key)) for key in LISTS}
    data = resolved.data.model_copy(update={"dataset": complete[id(resolved.data.dataset)]})
    train = resolved.train.model_copy(
        update={
            "optimizer": complete[id(resolved.train.optimizer)],
            "schedule": complete[id(resolved.train.schedule)],
            "callbacks": tuple(complete[id(part)] for part in resolved.train.callbacks),
        }
    )
    return resolved.model_copy(update={"model": complete[id(resolved.model)], "data": data, "train": train, **lists})


def recipe_files(registry: Registry) -> dict[str, Path]:
    """Where the installed recipes lie, by what picks them; `NAME@DISTRIBUTION` picks every one."""
    recipes = registry.recipes()
    files = {name: recipe.path() for name, (recipe, _) in recipes.items()}
    return {f"{recipe.name}@{by}": recipe.path() for recipe, by in recipes.values()} | files


def unchecked(recipe: str | Path | None, named: Mapping[str, Path]) -> Recipe:
    """A recipe by name or file, its components and their options unchecked; RecycleError or ValidationError if none."""
    return Recipe.model_validate(spelled_out(whole_tree(recipe, named)))


def moved_data(data: DataSection, root: Path) -> DataSection:
    """The section of data that lies in another folder now."""
    tree = data.model_dump(mode="json", by_alias=True)
    _move(tree, root)
    return DataSection.model_validate(tree | {"root": root})


def _move(data: dict[str, Any], root: Any) -> None:
    """Let the files that lie in the root of a section lie in another."""
    old, new = data.get("root"), Path(root).absolute() if isinstance(root, (str, Path)) else None
    if not isinstance(old, str) or not Path(old).is_absolute() or new is None:
        return
    before = Path(old)

    def moved(place: Any) -> Any:
        inside = isinstance(place, str) and Path(place).is_relative_to(before)
        return str(new / Path(place).relative_to(before)) if inside else place

    sections = [data]
    for key in ("train", "val"):
        sections += [one for one in data.get(key) or () if isinstance(one, dict)]
    for section in sections:
        section |= {key: moved(section[key]) for key in ("root", "json", "json_path") if key in section}


def _sound_parts(tree: dict[str, Any]) -> list[tuple[str, Kind, ComponentSpec]]:
    """The components that a faulty tree names, as far as their entries have the form of one: (key, kind, part)."""
    found: list[tuple[str, Kind, ComponentSpec]] = []
    for slot, value in named_parts(tree):
        form = LossPart if slot.kind == "loss" else ListedPart if slot.key in LISTS else ComponentSpec
        try:
            part = form.model_validate(value)
        except ValidationError:
            continue
        found.append((f"{slot.key}.{part.name}" if slot.key in LISTS else ".".join(slot.path), slot.kind, part))
    return found


def _fault(model: type[BaseModel], detail: Any) -> str:
    """One line for a pydantic error: key, value, what is wrong, nearest valid key."""
    key = ".".join(str(step) for step in detail["loc"])[:KEY]
    if detail["type"] != "extra_forbidden":
        return f"{key} = {short_repr(detail['input'])}: {detail['msg']}"
    if key in MOVED:
        return f"{key} = {short_repr(detail['input'])}: unknown key; it is {MOVED[key]} now"
    for step in detail["loc"][:-1]:
        field = model.model_fields.get(str(step))
        model = field.annotation if field and isinstance(field.annotation, type) else DataFile if field else model
    return f"{key} = {short_repr(detail['input'])}: unknown key; {suggest(str(detail['loc'][-1]), model.model_fields)}"


def _complete(
    parts: Iterable[tuple[str, Kind, ComponentSpec]],
    registry: Registry,
    needed: Collection[Kind],
    made_with: Packages,
) -> tuple[dict[int, ComponentSpec], list[str]]:
    """Each part by its id with its package and all its options, and what is wrong with those of the kinds `needed`."""
    faults: list[str] = []
    complete: dict[int, ComponentSpec] = {}
    for key, kind, part in parts:
        complete[id(part)] = part
        if kind == "callback" and registry.absent(part.name):  # it only observes: the training says so
            continue
        own = []
        try:
            offer = found(registry, kind, part.name, made_with)
            if missing := offer.missing():
                own.append(f"{key}: needs pip install {shlex.join(missing)}")
            options = offer.options(part.options).model_dump(mode="json")
            name = offer.qualified if offer.component.name == part.bare else part.name  # that of a layout stays
            complete[id(part)] = part.model_validate(part.model_dump() | options | {"name": name})
        except RecycleError as error:
            own.append(f"{key} = {part.name!r}: {error.args[0]}; {error.remedy}")
        except ValidationError as error:
            own += [f"{key}.{_fault(offer.component.options, detail)}" for detail in error.errors()]
        faults += own if kind in needed else []
    return complete, faults
