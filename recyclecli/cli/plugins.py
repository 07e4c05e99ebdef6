"""`recycle plugins list` and `show`"""

from __future__ import annotations

import json
import shlex
import sys
from typing import Annotated, Any

import typer

from recyclecli.cli.candidates import all_components
from recyclecli.cli.group import OpenGroup
from recyclecli.cli.once import Once
from recyclecli.cli.options import AsJson


class Plugins(OpenGroup):
    """The group that strangers' commands about plugins join, too."""

    path = ("plugins",)


app = typer.Typer(cls=Plugins, no_args_is_help=True, help="List, show, check and create plugins.")


@app.command("list", cls=Once, epilog="Example: `recycle plugins list --json`")
def list_plugins(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List plugins: version, state, components, and why one is disabled (traceback with `--debug`)."""
    from recyclecli.discovery import discover, misplaced

    registry = discover()
    traces = [plugin.trace for plugin in registry.plugins if ctx.find_root().params.get("debug")]
    print("".join(traces), end="", file=sys.stderr)
    rows = [
        {key: getattr(plugin, key) for key in ("name", "distribution", "version", "state", "cause")}
        | {"components": [{"kind": part.kind, "name": part.name} for part in plugin.components]}
        | {key: [one.name for one in getattr(plugin, key)] for key in ("commands", "recipes", "checks")}
        for plugin in registry.plugins
    ]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    if not rows:
        print("no plugins are installed; all of ours, in a checkout of recyclecli: pip install . ./plugins/recycle-*")
        return
    lines = []
    for row in rows:  # plain text: a table of rich's would double the command's own time
        kinds: dict[str, list[str]] = {}
        for part in row["components"]:
            kinds.setdefault(part["kind"], []).append(part["name"])
        kinds |= {"command": row["commands"], "recipe": row["recipes"], "check": row["checks"]}
        offers = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds.items() if names)
        lines.append((row["distribution"], row["version"], row["state"], offers or row["cause"]))
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    for *cells, offers in lines:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)), offers]))
    notes = [f"{plugin.distribution}: {plugin.note}" for plugin in registry.plugins if plugin.note]
    for line in (*registry.clashes(), *notes, *misplaced()):
        print(f"note: {line}", file=sys.stderr)


@app.command(cls=Once, epilog="Example: `recycle plugins show focal`")
def show(
    name: Annotated[
        str, typer.Argument(help="Component, such as focal or focal@recycle-losses.", autocompletion=all_components)
    ],
    as_json: AsJson = False,
) -> None:
    """Show a component's options: type, default, meaning."""
    from recyclecli.discovery import discover
    from recyclecli.errors import RecycleError, suggest

    registry = discover()
    if not (offers := registry.matching(None, name)):
        offered = [(kind, one, plugin.distribution) for plugin in registry.plugins for kind, one in plugin.names()]
        kinds = {word: kind for kind, one, by in offered for word in (one, f"{one}@{by}")}
        shown = {"command": f"{name} --help", "recipe": f"recipes show {name}", "check": "doctor"}
        if words := shown.get(kinds.get(name, "")):
            raise RecycleError(f"{name} is a {kinds[name]}, not a component", f"recycle {words}")
        near = suggest(name.partition("@")[0], (one for _, one, _ in offered))
        raise RecycleError(f"no component is called {name!r}", near + registry.broken())
    if as_json:
        print(json.dumps([_described(offer) for offer in offers], ensure_ascii=False))
        return
    from rich.markup import escape
    from rich.table import Table

    from recyclecli.console import Console

    console = Console()
    for offer in offers:
        described = _described(offer)
        console.print(f"[bold]{escape(offer.qualified)}[/] {offer.plugin.version}, {described['kind']}")
        console.print(escape(described["summary"]))
        if described["missing"]:
            console.print(f"needs: pip install {escape(shlex.join(described['missing']))}")
        table = Table("option", "type", "default", "meaning")
        for option in described["options"]:
            earlier = [f"earlier {name}" for name in option["earlier"]]
            meaning = "; ".join(filter(None, [option["help"], option["range"], *earlier]))
            table.add_row(*(escape(str(text)) for text in (option["name"], option["type"], option["default"], meaning)))
        console.print(table if described["options"] else "no options")


def _described(offer: Any) -> dict[str, Any]:
    from recyclecli.option_names import earlier_names, range_of

    fields, earlier = offer.component.options.model_fields, earlier_names(offer.component.options)
    return {
        "name": offer.component.name,
        "kind": offer.component.kind,
        "distribution": offer.plugin.distribution,
        "version": offer.plugin.version,
        "summary": offer.component.summary,
        "factory": offer.component.factory,
        "missing": offer.missing(),
        "options": [
            {
                "name": name,
                "type": _type_name(field.annotation),
                "range": range_of(field),
                "default": "required" if field.is_required() else field.get_default(call_default_factory=True),
                "help": field.description or "",
                "earlier": [old for old, new in earlier.items() if new == name],
            }
            for name, field in fields.items()
        ],
    }


def _type_name(annotation: Any) -> str:
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__name__
    return str(annotation).replace("typing.", "")
