"""A component's options as flags of a command."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from recycle_data.cli.candidates import fixed
from recycle_data.cli.options import key_values

if TYPE_CHECKING:
    from recyclecli.manifest import Offered

OPTION_PREFIX = "option_"  # of the parameters, so that no option meets one of the command's own


def parameters(component: Offered, taken: set[str]) -> list[inspect.Parameter]:
    """A keyword parameter for each option of a component, for a command made by Typer.

    `True` and `False` become `--name/--no-name`, lists a flag that may be repeated, mappings a
    repeatable `--name KEY=VALUE`; the rest is taken as text, which the options check themselves.

    Args:
        component: whose options.
        taken: flags of the command; an option of such a name is called `--COMPONENT-NAME`.
    """
    made = []
    for setting in component.settings:
        flag = f"--{setting.name.replace('_', '-')}"
        if flag in taken:
            flag = f"--{component.name}-{flag[2:]}"
        kind = {"flag": bool, "text": str}.get(setting.form, list[str])
        default = (component.offline or {}).get(setting.name, setting.default)
        option = typer.Option(
            f"{flag}/--no-{flag[2:]}" if kind is bool else flag,
            help=f"{setting.help}  [default: {default}]" if default else setting.help,
            metavar=setting.metavar or None,
            show_default=False,
            rich_help_panel=f"Options of {component.name}",
            autocompletion=fixed(setting.choices),
        )
        made.append(
            inspect.Parameter(
                OPTION_PREFIX + setting.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[kind | None, option],
            )
        )
    return made


def given(component: Offered, values: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given among a command's arguments, by their own names.

    Raises:
        RecycleError: a `KEY=VALUE` is none.
    """
    options: dict[str, Any] = {}
    for setting in component.settings:
        value = values.get(OPTION_PREFIX + setting.name)
        if value is None or value == []:
            continue
        mapping = setting.form == "mapping"
        options[setting.name] = key_values(f"--{setting.name.replace('_', '-')}", value) if mapping else value
    return options
