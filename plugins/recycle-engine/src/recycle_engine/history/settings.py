"""The settings of runs, key by key as `-o` takes them, and where they differ."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from recycle_coco.json import parse_json
from recycle_data.recipe_tree import PART_KEYS, same_part
from recycle_data.resolve import resolve, unchecked

from recycle_engine.runs import LARGEST_ENV, Run
from recyclecli.errors import RecycleError
from recyclecli.plugins import Registry
from recyclecli.reading import MissingFile, read_bytes
from recyclecli.recipe import LISTS, Recipe

VERSIONS = ("recyclecli", "python", "platform", "devices", "precision")  # of env.json, beside those of packages
COMPONENT_LISTS = {**LISTS, "train.callbacks": "callback"}  # keys that list components


@dataclass(frozen=True, slots=True)
class SettingDifference:
    """A setting in which runs differ.

    Attributes:
        key: of the recipe, as `-o` takes it; `env.` begins what is no setting but was otherwise: versions, devices.
        values: of each run, in their order, as `-o` takes them; None where a run has no such setting.
    """

    key: str
    values: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class SettingsComparison:
    """In which settings runs differ.

    Attributes:
        runs: their folders, in the order in which they were named.
        differences: by key, those of the recipe before the versions.
    """

    runs: tuple[Path, ...]
    differences: tuple[SettingDifference, ...]

    def as_dict(self) -> dict[str, Any]:
        """For --json: only JSON's own types."""
        found = {one.key: list(one.values) for one in self.differences}
        return {"runs": [str(run) for run in self.runs], "differences": found}


def settings_differences(runs: Sequence[Run], named: Mapping[str, Path]) -> SettingsComparison:
    """The settings in which runs differ.

    Args:
        runs: at least two.
        named: the installed recipes, see `recycle_data.resolve.recipe_files`.

    Raises:
        RecycleError: a recipe cannot be read.
    """
    recipes = [flattened(recipe_of_run(run, named)) for run in runs]
    versions = [versions_of(run) for run in runs]
    found = [*_differing(recipes), *_differing([{f"env.{key}": text for key, text in one.items()} for one in versions])]
    return SettingsComparison(tuple(run.folder for run in runs), tuple(found))


def _differing(sides: Sequence[Mapping[str, str]]) -> Iterator[SettingDifference]:
    for key in dict.fromkeys(key for side in sides for key in side):
        values = tuple(side.get(key) for side in sides)
        if len({*values}) > 1 and not (key in (PART_KEYS | COMPONENT_LISTS) and _same_parts(values)):
            yield SettingDifference(key, values)


def _same_parts(values: Sequence[str | None]) -> bool:
    """Whether values name the same components, some without their distributions, as an earlier version wrote them."""
    bare = {value and re.sub('@[^"]+', "", value) for value in values}
    return len(bare) == 1 and any(value in bare for value in values)


def recipe_of_run(run: Run, named: Mapping[str, Path]) -> Recipe:
    """The run's recipe; its components and their options are as it says, installed or not.

    Raises:
        RecycleError: it cannot be read.
    """
    try:
        return unchecked(run.recipe, named)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "it"
        raise RecycleError(f"{run.recipe} cannot be used: {key}: {first['msg']}", "restore it") from error
    except RecycleError as error:
        if str(run.recipe) in str(error.args[0]):
            raise
        raise RecycleError(f"{run.recipe} cannot be used: {error.args[0]}", error.remedy or "restore it") from error


def unlike_default(registry: Registry, recipe: Recipe) -> list[SettingDifference]:
    """The settings in which a recipe differs from the recipe `default` with the same components: (default's, its)."""
    base, own = resolve(registry), flattened(recipe)
    default = like = flattened(base)
    if flags := _other_components(base, recipe):
        with suppress(RecycleError):  # one is not installed any more: its own defaults are not known
            like = flattened(resolve(registry, None, flags)) | {key: default[key] for key in flags}
    return [one for one in _differing([like, own]) if one.values[1] is not None]


def _other_components(base: Recipe, recipe: Recipe) -> dict[str, Any]:
    """The keys that name other components in a recipe than in another, with these names."""
    named = [{key: [part.name] for key, _, part in one.parts() if key in PART_KEYS} for one in (base, recipe)]
    listed = [{key: [part.name for part in getattr(one, key)] for key in LISTS} for one in (base, recipe)]
    default, own = (first | second for first, second in zip(named, listed, strict=True))
    other = {
        key: names
        for key, names in own.items()
        if len(names) != len(default[key]) or not all(map(same_part, names, default[key]))
    }
    return {key: names if key in LISTS else names[0] for key, names in other.items()}


def flattened(recipe: Recipe) -> dict[str, str]:
    """Each setting of a recipe by its key, as `-o KEY=VALUE` takes both."""
    tree = recipe.model_dump(mode="json", by_alias=True)
    found: dict[str, str] = {}
    for name, value in tree.items():
        if name in COMPONENT_LISTS:
            found |= _of_list(name, value)
        elif isinstance(value, dict) and name not in PART_KEYS:
            for key, one in value.items():
                found |= _of(f"{name}.{key}", one)
        else:
            found |= _of(name, value)
    return found


def _of(key: str, value: Any) -> dict[str, str]:
    if key in PART_KEYS:
        return {key: value["name"]} | _options(key, value)
    return _of_list(key, value) if key in COMPONENT_LISTS else {key: _text(value)}


def _of_list(key: str, parts: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    names = [part.get("id") or part["name"].partition("@")[0] for part in parts]
    found = {key: _text([part.get("id") or part["name"] for part in parts])}
    for place, (name, part) in enumerate(zip(names, parts, strict=True)):
        again = names[:place].count(name)
        found |= _options(f"{key}.{name}" + (f".{again + 1}" if again else ""), part)
    return found


def _options(key: str, part: Mapping[str, Any]) -> dict[str, str]:
    return {f"{key}.{name}": _text(value) for name, value in part.items() if name not in ("name", "id")}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def versions_of(run: Run) -> dict[str, str]:
    """Versions and devices that a run was begun with, by name; empty where env.json cannot be read.

    Raises:
        RecycleError: env.json is no JSON object.
    """
    try:
        found = parse_json(read_bytes(run.env, LARGEST_ENV))
    except MissingFile:
        return {}
    except ValueError as error:
        raise RecycleError(f"{run.env} is no JSON: {error}", "restore it, or remove it") from error
    if not isinstance(found, dict):
        raise RecycleError(f"{run.env} holds no JSON object", "restore it, or remove it")
    kept = {
        key: _text(found[key]) for key in ("recyclecli", "python", "platform", "devices", "precision") if key in found
    }
    for key in ("packages", "plugins"):
        if isinstance(found.get(key), dict):
            kept |= {name: _text(version) for name, version in found[key].items()}
    return kept
