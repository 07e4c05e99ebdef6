"""Which validation photos a training knows beforehand: from the run it starts from, from its pseudo-labels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from recyclecli.coco.document import load_content
from recyclecli.data.pseudo import MARK
from recyclecli.data.splits import Split, trained_on
from recyclecli.engine.learned import read_back, recipe_files
from recyclecli.engine.ranks import is_first, say
from recyclecli.engine.runs import Run
from recyclecli.errors import RecycleError, listed
from recyclecli.plugins import Registry
from recyclecli.recipe import DataSection, Recipe
from recyclecli.types import Source


def tell_leaks(registry: Registry, recipe: Recipe, split: Split) -> None:
    """Say which validation photos the start of a training, or a teacher of its pseudo-labels, has learned from.

    Nothing is refused: to fine-tune across folds is done knowingly. Runs that are gone are passed over.

    Args:
        registry: the installed components.
        recipe: what is trained, with the data section of `split`.
        split: its photos.
    """
    for what, run in _sources(recipe) if is_first() else ():
        known = _known(registry, run, split.val, set())
        if known:
            say(
                f"note: {what}, {run.folder}, has learned from {len(known)} of these {len(split.val)} validation "
                f"photos ({listed(sorted(known), 1)}): scores on them are flattered"
            )


def _sources(recipe: Recipe) -> Iterator[tuple[str, Run]]:
    """The runs that a training has knowledge from, with what each is to it."""
    start = recipe.train.init_from
    for folder in start.absolute().parents if start else ():
        if (folder / "recipe.yaml").is_file():
            yield "the run it starts from", Run(folder)
            break
    for folder in _teachers(recipe.data):
        yield "a teacher of its pseudo-labels", Run(folder)


def _teachers(data: DataSection) -> list[Path]:
    """Folders of the runs that labelled training photos, as their label files name them."""
    names: dict[str, None] = {}
    for file in [one.json_path for one in data.train] or [data.json_path]:
        try:
            images = load_content(Path(file))["images"] if file and Path(file).suffix.lower() == ".json" else []
        except RecycleError:  # another dataset's file, which knows no pseudo-labels
            continue
        marks = (image.get(MARK) for image in images)
        names |= {folder: None for mark in marks if isinstance(mark, dict) for folder in mark.get("folders", ())}
    return [Path(name) for name in names]


def _known(registry: Registry, run: Run, source: Source, passed: set[Path]) -> set[str]:
    """`file_name`s of photos of `source` that a run has learned from, or a run that it has knowledge from."""
    if run.folder in passed or not run.recipe.is_file():
        return set()
    passed.add(run.folder)
    known: set[str] = set()
    for file in recipe_files(run):
        try:
            recipe, split = read_back(registry, file)
        except RecycleError as error:
            say(f"note: what {run.folder} has learned from cannot be read: {error.args[0]}")
            continue
        known.update(trained_on(split, source))
        for _, other in _sources(recipe):
            known |= _known(registry, other, source, passed)
    return known
