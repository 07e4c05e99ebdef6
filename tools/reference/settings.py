"""The recipe: every key, and the whole of it with its defaults."""

from collections.abc import Iterator
from typing import get_args

from pydantic import BaseModel
from recycle_data.resolve import resolve

from recyclecli.plugins import Registry
from recyclecli.recipe import ComponentSpec, Recipe
from reference.text import code, table
from reference.values import default, kind, limits

LEFT_OUT = (
    "A key without a default has that of the recipe `default`, below; see `recycle recipes show default`. What a "
    "recipe leaves out is that of its `base`, a recipe's name, and of `default` where it names none."
)
HEADS = ("key", "what", "type", "default", "range")


def page(registry: Registry) -> str:
    """A table for each section, then the default recipe."""
    rows = list(keys(Recipe))
    top = [row for row in rows if not row[0].startswith(("`data.", "`train."))]
    parts = ["# Recipe keys", "How they are used: [The recipe](../recipe.md).", LEFT_OUT, table(HEADS, top)]
    for section in ("data", "train"):
        parts += [f"## `{section}`", table(HEADS, (row for row in rows if row[0].startswith(f"`{section}.")))]
    whole = code(resolve(registry).to_yaml(), "yaml")
    return "\n\n".join([*parts, "## The whole default recipe", "Every default spelled out, as a run keeps it.", whole])


def keys(model: type[BaseModel], before: str = "") -> Iterator[tuple[str, str, str, str, str]]:
    """Key, description, type, default and range of each key, sections first, then what is in them."""
    for name, field in model.model_fields.items():
        key = f"{before}{field.alias or name}"
        usual = "" if field.is_required() and name != "name" else default(field)
        yield f"`{key}`", field.description or "", kind(field.annotation), usual, limits(field.metadata)
        listed = get_args(field.annotation)
        inner = listed[0] if listed else field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            dots = f"{key}[]." if listed else f"{key}."
            yield from keys(inner, dots)
            if issubclass(inner, ComponentSpec):
                yield f"`{dots}OPTION`", "any option of the component", "", "", ""
