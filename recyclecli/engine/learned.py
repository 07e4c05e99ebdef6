"""What a run has learned from: its own recipe's photos, and for a soup those of all its members. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from recyclecli.data.splits import Split, make_split, trained_on
from recyclecli.engine.runs import Run
from recyclecli.owned import Owned
from recyclecli.plugins import Registry
from recyclecli.reading import read_text
from recyclecli.recipe import Recipe, resolve
from recyclecli.types import Source

MEMBERS = "members"  # folder of the recipes of a soup's members


def recipe_files(run: Run) -> list[Path]:
    """The run's recipe, and where it is a soup those of its members."""
    return [run.recipe, *sorted((run.folder / MEMBERS).glob("*.yaml"))]


def keep_recipes(run: Run, members: Sequence[Run]) -> None:
    """Keep in a soup the recipes of the runs it is made of, each once; the first is its own."""
    texts = dict.fromkeys(read_text(file) for one in members for file in recipe_files(one))
    own, *others = texts
    owned = Owned(run.folder)
    for number, text in enumerate(others, start=1):
        owned.write_text(run.folder / MEMBERS / f"{number:03d}.yaml", text)
    owned.write_text(run.recipe, own)


def read_back(registry: Registry, file: Path) -> tuple[Recipe, Split]:
    """A run's recipe, and the photos that it names.

    Raises:
        RecycleError: the recipe or its data can no longer be read.
    """
    recipe = resolve(registry, file)
    return recipe, make_split(registry, recipe.data, recipe.seed)


def learned(registry: Registry, recipe: Path, source: Source) -> list[str]:
    """`file_name`s of photos of `source` that a run of this recipe has learned from; see `trained_on`.

    Raises:
        RecycleError: see `read_back`.
    """
    return trained_on(read_back(registry, recipe)[1], source)
