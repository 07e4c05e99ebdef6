"""The command line, from the tree that parses it."""

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from typer.main import get_command

from recyclecli.cli.app import app
from recyclecli.manifest import known
from reference.text import table
from reference.values import kind, limits, written

PAGES = {"data": "cli-data.md", "aug": "cli-aug.md", "aug preview": "cli-preview.md", "plugins": "cli-plugins.md"}
HEADS = ("option", "what", "value", "default")


def tree() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Path and command of every command that does something, `aug` and its previews included."""
    known(120)  # a busy machine takes longer than completion waits for what is installed
    yield from _below(get_command(app), ())


def _below(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not hasattr(command, "list_commands"):
        yield path, command
        return
    with command.make_context("recycle", [], resilient_parsing=True) as context:
        for name in command.list_commands(context):
            yield from _below(command.resolve_command(context, [name])[1], (*path, name))


def pages() -> dict[str, str]:
    """`cli.md` with the single commands, and a page for each group."""
    root = get_command(app)
    parts = {name: [f"# recycle {group}"] for group, name in PAGES.items()}
    links: dict[str, list[tuple[str, str]]] = {"cli.md": [], **{name: [] for name in parts}}
    for path, command in tree():
        link = f"[`recycle {' '.join(path)}`]({_page(path)}#{_anchor(path)})"
        links[_page(path)].append((link, first_line(command)))
    overview = [row for name, rows in links.items() if name != PAGES["aug preview"] for row in rows]
    overview.append(
        (f"[`recycle aug preview NAME`]({PAGES['aug preview']})", "Draw photos before and after an augmentation.")
    )
    parts["cli.md"] = ["# The command line", root.help, root.epilog, table(("command", "does"), overview)]
    parts["cli.md"] += ["## Options of every command", _options(root)]
    for path, command in tree():
        parts[_page(path)] += [f"## recycle {' '.join(path)}", *_described(command)]
    return {name: "\n\n".join(texts) for name, texts in parts.items()}


def _page(path: tuple[str, ...]) -> str:
    return PAGES.get(" ".join(path[:2]), PAGES.get(path[0], "cli.md"))


def _anchor(path: tuple[str, ...]) -> str:
    return "-".join(("recycle", *path))


def first_line(command: Any) -> str:
    """The first sentence of a command's help."""
    return str(command.help).strip().split("\n\n")[0]


def _described(command: Any) -> list[str]:
    return [str(command.help).strip(), command.epilog, _options(command)]


def _options(command: Any) -> str:
    hidden = ("help", "install_completion", "show_completion")
    return table(HEADS, (_row(one) for one in command.params if one.name not in hidden))


def _row(parameter: Any) -> tuple[str, str, str, str]:
    help_text = parameter.help or ""
    stated = re.search(r"\s*\[default: (.+)\]\s*$", help_text)
    what = help_text[: stated.start()] if stated else help_text
    return ", ".join(f"`{flag}`" for flag in flags(parameter)), what, _value(parameter), _default(parameter, stated)


def flags(parameter: Any) -> list[str]:
    """What is typed: the flags of an option, the place of an argument."""
    if parameter.param_type_name == "argument":
        return [parameter.metavar or parameter.name.upper()]
    return [*parameter.opts, *parameter.secondary_opts]


def _default(parameter: Any, stated: re.Match[str] | None) -> str:
    if stated:
        return stated[1]
    if parameter.required:
        return "required"
    value = parameter.default
    if value in (None, (), []) or callable(value):
        return ""
    return ("on" if value else "off") if isinstance(value, bool) else f"`{written(value)}`"


def _value(parameter: Any) -> str:
    if getattr(parameter, "is_flag", False):
        return ""
    if parameter.metavar and parameter.param_type_name == "option":
        return f"`{parameter.metavar}`"
    descriptor = parameter.type_descriptor
    words = kind(descriptor.annotation).removesuffix(" or null")
    info = descriptor.parameter_info
    bounds = limits([SimpleNamespace(ge=info.min, le=info.max)])
    return f"{words}, {bounds}" if bounds else words
