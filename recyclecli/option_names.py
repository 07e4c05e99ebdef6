"""How a component's options are called, now and earlier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import AliasChoices

if TYPE_CHECKING:
    from pydantic import BaseModel


def earlier_names(options: type[BaseModel]) -> dict[str, str]:
    """Earlier names of options, as their `validation_alias` states them, to the present ones."""
    aliases = {name: field.validation_alias for name, field in options.model_fields.items()}
    choices = {name: one.choices if isinstance(one, AliasChoices) else [one] for name, one in aliases.items()}
    return {old: name for name, olds in choices.items() for old in olds if isinstance(old, str)}
