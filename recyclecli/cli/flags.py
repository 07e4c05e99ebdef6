"""A component's options as flags of a command."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import typer

from recyclecli.cli.options import key_values

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from recyclecli.types import Component

PREFIX = "option_"  # of the parameters, so that no option meets one of the command's own


def parameters(component: Component, taken: set[str], defaults: Mapping[str, Any]) -> list[inspect.Parameter]:
    """A keyword parameter for each option of a component, for a command made by Typer.

    `True` and `False` become `--name/--no-name`, lists a flag that may be repeated, mappings a
    repeatable `--name KEY=VALUE`; the rest is taken as text, which the options check themselves.

    Args:
        component: whose options.
        taken: flags of the command; an option of such a name is called `--COMPONENT-NAME`.
        defaults: those that differ from the options' own, to be shown.
    """
    made = []
    for name, field in component.options.model_fields.items():
        flag = f"--{name.replace('_', '-')}"
        if flag in taken:
            flag = f"--{component.name}-{name.replace('_', '-')}"
        kind, metavar = _form(field)
        default = defaults.get(name, field.get_default(call_default_factory=True))
        option = typer.Option(
            f"{flag}/--no-{flag[2:]}" if kind is bool else flag,
            help=f"{field.description or ''}{'' if field.is_required() else _shown(default)}",
            metavar=None if kind is bool else metavar,
            show_default=False,
            rich_help_panel=f"Options of {component.name}",
        )
        made.append(
            inspect.Parameter(
                PREFIX + name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option]
            )
        )
    return made


def given(component: Component, values: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given among a command's arguments, by their own names.

    Raises:
        RecycleError: a `KEY=VALUE` is none.
    """
    options: dict[str, Any] = {}
    for name, field in component.options.model_fields.items():
        value = values.get(PREFIX + name)
        if value is None or value == []:
            continue
        options[name] = key_values(f"--{name.replace('_', '-')}", value) if _form(field)[1] == "KEY=VALUE" else value
    return options


def _form(field: FieldInfo) -> tuple[type, str]:
    """The type that Typer takes for an option, and what its help calls it."""
    kinds = [kind for kind in get_args(field.annotation) if kind is not type(None)]
    plain = kinds[0] if len(kinds) == 1 and type(None) in get_args(field.annotation) else field.annotation
    origin = get_origin(plain) or plain
    if origin is bool:
        return bool, ""
    if origin is Literal:
        return str, "|".join(str(choice) for choice in get_args(plain))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return list[str], "KEY=VALUE"
    if origin in (tuple, list, set, frozenset):
        return list[str], _name(get_args(plain)[0] if get_args(plain) else str)
    return str, _name(origin)


def _name(kind: Any) -> str:
    return {int: "INTEGER", float: "NUMBER"}.get(kind, "TEXT")


def _shown(default: Any) -> str:
    if default in (None, (), [], {}, ""):
        return ""
    if isinstance(default, bool):
        return f"  [default: {'on' if default else 'off'}]"
    return f"  [default: {', '.join(map(str, default)) if isinstance(default, (tuple, list)) else default}]"
