"""A run's recipe, with the packages that the run was trained with. No torch."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from recycle_coco.json import parse_json
from recycle_data.resolve import resolve

from recycle_engine.runs import LARGEST_ENV, RECIPE_FILE, Run
from recyclecli.errors import RecycleError
from recyclecli.plugins import Registry
from recyclecli.reading import read_bytes
from recyclecli.recipe import Recipe
from recyclecli.types import Kind

INFERENCE: tuple[Kind, ...] = ("dataset", "model", "postprocessor")
"""Kinds of components that a trained run is used with; the others are needed to train alone."""


def resolve_run(
    registry: Registry, file: Path, flags: Mapping[str, Any] = {}, needed: Collection[Kind] = INFERENCE
) -> Recipe:
    """The recipe of a run, or of a soup's member; see `recycle_data.resolve.resolve`."""
    return resolve(registry, file, flags, needed=needed, made_with=packages_of(file))


def packages_of(file: Path) -> dict[str, str]:
    """The plugins that were loaded when the run was trained that a file lies in, by their versions."""
    holders = (Run(folder) for folder in file.absolute().parents if (folder / RECIPE_FILE).is_file())
    try:
        states = parse_json(read_bytes(next(holders, Run(file.parent)).env, LARGEST_ENV))["plugins"]
        pairs = {str(name): str(text).split() for name, text in states.items()}
    except (RecycleError, OSError, ValueError, TypeError, KeyError, AttributeError):  # none, or not as it was written
        return {}
    return {name: words[0] for name, words in pairs.items() if words[1:] == ["ok"]}
