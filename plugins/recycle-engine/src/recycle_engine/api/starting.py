"""A first recipe for the data at hand, as a function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recycle_data.api import Place, path_of, registry
from recycle_data.starter import STARTER_FILE
from recycle_data.workspace import in_workspace, split_of

from recyclecli.errors import RecycleError


@dataclass(frozen=True, slots=True)
class StarterRecipe:
    """A recipe that was written.

    Attributes:
        file: the recipe.
        photos, classes: of the whole data.
        trained_on: photos to train on.
        how: where the split comes from, or why there is none yet.
    """

    file: Path
    photos: int
    classes: int
    trained_on: int
    how: str


@in_workspace
def init(
    root: Place,
    out: Place = Path(STARTER_FILE),
    json_path: str | None = None,
    dataset: str = "coco",
    options: Mapping[str, Any] = {},
    force: bool = False,
) -> StarterRecipe:
    """Write a commented recipe that fits the data and this machine; see `recycle init`.

    Raises:
        RecycleError: the data cannot be read, or `out` would be overwritten.
    """
    from recycle_data.output_file import output_file
    from recycle_data.sources import open_source
    from recycle_data.starter import CPU, GPU, starter_recipe

    from recycle_engine.doctor import has_gpu
    from recyclecli.recipe import DataSection

    root, out = path_of(root), path_of(out)
    with output_file(out, force, STARTER_FILE) as folder:
        source = open_source(registry(), root, json_path, dataset, options)
        part = {"name": dataset, **options}
        settings: dict[str, Any] = {"json_path": json_path} if json_path else {}
        if dataset != "coco" or options:
            settings["dataset"] = part
        try:
            split = split_of(DataSection.model_validate({"root": root, "dataset": part, **settings}), 0)
            photos, how = len(split.train), split.how
        except RecycleError as error:
            photos, how = len(source), f"cannot be split yet: {error.args[0]}"
        text = starter_recipe(source, root, settings, photos, str(out), GPU if has_gpu() else CPU)
        folder.write_text(out, text)
    return StarterRecipe(out, len(source), len(source.class_names), photos, how)
