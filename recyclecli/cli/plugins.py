"""`recycle plugins ...`"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from recyclecli.cli.candidates import all_components, packages
from recyclecli.cli.options import AsJson

app = typer.Typer(no_args_is_help=True, help="What is installed, from where, with which options.")


@app.command("list", epilog="Example: `recycle plugins list --json`")
def list_plugins(as_json: AsJson = False) -> None:
    """Every plugin: version, state, what it offers, and why one offers nothing."""
    from recyclecli.kit.faults import clashes
    from recyclecli.manifest import discover

    registry = discover()
    plugins = registry.plugins
    if as_json:
        import json

        rows = [
            {
                "name": plugin.name,
                "distribution": plugin.distribution,
                "version": plugin.version,
                "state": plugin.state,
                "cause": plugin.cause,
                "components": [{"kind": part.kind, "name": part.name} for part in plugin.components],
            }
            for plugin in plugins
        ]
        print(json.dumps(rows, ensure_ascii=False))
        return
    if not plugins:
        print("no plugins are installed; the first ones: pip install recycle-datasets recycle-smp recycle-losses")
        return
    lines = []
    for plugin in plugins:  # plain text: a table of rich's would double the command's own time
        kinds: dict[str, list[str]] = {}
        for part in plugin.components:
            kinds.setdefault(part.kind, []).append(part.name)
        offers = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds.items())
        lines.append((plugin.distribution, plugin.version, plugin.state, offers or plugin.cause))
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    for *cells, offers in lines:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)), offers]))
    for clash in clashes(registry):
        print(f"note: {clash}", file=sys.stderr)


@app.command(epilog="Example: `recycle plugins show focal`")
def show(
    name: Annotated[
        str, typer.Argument(help="A component, as focal or focal@recycle-losses.", autocompletion=all_components)
    ],
    as_json: AsJson = False,
) -> None:
    """A component's options: type, default, meaning."""
    from recyclecli.errors import RecycleError, nearest
    from recyclecli.manifest import discover

    registry = discover()
    bare, _, distribution = name.partition("@")
    offers = [
        offer
        for offer in registry.offers()
        if offer.component.name == bare and distribution in ("", offer.plugin.distribution)
    ]
    if not offers:
        everything = [offer.component.name for offer in registry.offers()]
        raise RecycleError(f"no component is called {name!r}", nearest(bare, everything) + registry.broken())
    if as_json:
        import json

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
            table.add_row(*(escape(str(option[key])) for key in ("name", "type", "default", "help")))
        console.print(table if described["options"] else "no options")


def _described(offer: Any) -> dict[str, Any]:
    fields = offer.component.options.model_fields
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
                "default": "required" if field.is_required() else field.get_default(call_default_factory=True),
                "help": field.description or "",
            }
            for name, field in fields.items()
        ],
    }


def _type_name(annotation: Any) -> str:
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__name__
    return str(annotation).replace("typing.", "")


@app.command(epilog="Example: `recycle plugins check`, or with its tests: `recycle plugins check acme-losses`")
def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PACKAGE]...",
            help="Also import these packages' components, and hold them to their kinds' tests.",
            autocompletion=packages,
        ),
    ] = None,
) -> None:
    """Exit 1 when a plugin failed to load, lacks something it needs, or fails the tests of its kind: for CI."""
    from recyclecli.errors import FaultsFound, RecycleError, nearest
    from recyclecli.kit.faults import clashes, faults
    from recyclecli.manifest import discover

    registry = discover()
    offers = {name: [offer for offer in registry.offers() if offer.plugin.distribution == name] for name in names or ()}
    known = [plugin.distribution for plugin in registry.plugins]
    for name in offers:
        if name not in known:
            raise RecycleError(f"no plugin package is called {name!r}", nearest(name, known))
    found = list(faults(registry, offers))
    if found:
        raise FaultsFound("\n  ".join([f"{len(found)} fault(s) in the installed plugins:", *found]))
    print(f"{len(registry.plugins)} plugins, {len(registry.offers())} components, no faults")
    for clash in clashes(registry):
        print(f"note: {clash}", file=sys.stderr)
    for name, components in offers.items():
        if components:
            _test(name, [(offer.component.kind, offer.qualified) for offer in components])


def _test(name: str, components: list[Any]) -> None:
    """Run the tests of the components' kinds."""
    import subprocess
    import tempfile
    from importlib.util import find_spec

    from recyclecli.errors import FaultsFound, RecycleError
    from recyclecli.kit import conformance_tests

    if all(kind == "dataset" for kind, _ in components):
        print(f"note: {name} offers datasets alone, whose tests need data: run the package's own", file=sys.stderr)
        return
    if find_spec("pytest") is None:
        raise RecycleError("testing a plugin needs pytest", "pip install pytest")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "test_conformance.py"
        file.write_text(conformance_tests(components), encoding="utf-8")
        line = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, str(file)]
        if subprocess.run(line, cwd=folder, check=False).returncode:
            raise FaultsFound(f"components of {name} fail the tests of their kinds; what failed stands above")


@app.command(epilog="Example: `recycle plugins new acme-losses --kind loss`")
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The package, as acme-losses.")],
    kind: Annotated[
        Literal["dataset", "augmentation", "model", "loss", "postprocessor"],
        typer.Option("--kind", help="What it offers."),
    ],
    out: Annotated[Path | None, typer.Option("--out", help="Folder to write.  [default: ./NAME]")] = None,
) -> None:
    """Write a package with one component: it installs, trains and passes its tests as it is."""
    from recyclecli.kit import write_kit

    folder = out or Path(name)
    for file in write_kit(name, kind, folder):
        print(file)
    print(f"next: pip install -e '{folder}[test]', then pytest {folder}", file=sys.stderr)
