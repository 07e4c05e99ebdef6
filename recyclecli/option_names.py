"""How a component's options are called, now and earlier, and which values they take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pydantic import AliasChoices

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

LIMITS = {
    "gt": "above {}",
    "ge": "at least {}",
    "lt": "below {}",
    "le": "at most {}",
    "multiple_of": "a multiple of {}",
    "min_length": "at least {} long",
    "max_length": "at most {} long",
    "pattern": "matches {}",
}


def earlier_names(options: type[BaseModel]) -> dict[str, str]:
    """Earlier names of options, as their `validation_alias` states them, to the present ones."""
    aliases = {name: field.validation_alias for name, field in options.model_fields.items()}
    choices = {name: one.choices if isinstance(one, AliasChoices) else [one] for name, one in aliases.items()}
    return {old: name for name, olds in choices.items() for old in olds if isinstance(old, str)}


def range_of(field: FieldInfo) -> str:
    """Which values an option takes: `at least 0, below 1`; of a list or an option that may be left out, its values."""
    texts = [form.format(f"{value:g}" if isinstance(value, float) else value) for form, value in _limits(field)]
    return ", ".join(dict.fromkeys(texts))


def _limits(one: Any) -> list[tuple[str, Any]]:
    """The limits that a field, its annotation, or what is inside that states, with their forms."""
    own = [(form, getattr(one, name)) for name, form in LIMITS.items() if getattr(one, name, None) is not None]
    inside = [*getattr(one, "metadata", ()), *getattr(one, "__metadata__", ()), *get_args(one)]
    inside += [one.annotation] if hasattr(one, "metadata") else []
    return own + [limit for inner in inside if not isinstance(inner, str) for limit in _limits(inner)]
