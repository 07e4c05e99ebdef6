"""Whether a run that is there already is the one that is asked for."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from recycle_engine.api.runs import recipe_of
from recyclecli.errors import RecycleError, join_limited

if TYPE_CHECKING:
    from recycle_data.splits import Split

    from recycle_engine.runs import Run
    from recyclecli.recipe import Recipe


def refuse_another_recipe(run: Run, wanted: Recipe, split: Split, chosen: Collection[str] = ()) -> Recipe:
    """The run's own recipe.

    Args:
        run: one with a recipe.
        wanted: what is asked for.
        split: of `wanted`.
        chosen: keys that may differ, since the run has chosen them itself.

    Raises:
        RecycleError: it differs from `wanted`.
    """
    own = recipe_of(run)
    asked = wanted.model_copy(update={"data": split.data})
    other = sorted({key for key, _ in set(_settings(asked, asked)) ^ set(_settings(own, asked))} - set(chosen))
    if other:
        raise RecycleError(
            f"{run.folder} was trained with another {join_limited(other)}",
            "move or remove that run to train another, or repeat the earlier call",
        )
    return own


def _settings(recipe: Recipe, asked: Recipe) -> Iterator[tuple[str, str]]:
    """Keys and values of a recipe, but for what a training with the recipe `asked` finds by itself."""
    tree = recipe.model_dump(mode="json", by_alias=True)
    train = tree["train"]
    train["photos in a step"] = train.pop("batch_size") * train.pop(
        "accumulate_grad_batches"
    )  # halves of a batch: out of memory
    for flag, found in (("find_batch_size", "photos in a step"), ("find_lr", "lr")):
        if getattr(asked.train, flag):
            del train[flag], train[found]
    for section, value in tree.items():
        for key, one in value.items() if isinstance(value, dict) else [("", value)]:
            yield f"{section}.{key}".rstrip("."), json.dumps(one, sort_keys=True)
