"""What completion offers for an argument or option: names from the manifest."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from recyclecli.manifest import Manifest

Named = list[tuple[str, str]]
"""Values with what they mean."""

COMPLETION_WAIT, HELP_WAIT = 2.0, 30.0  # seconds for the manifest, where it has to be made first


def installed(ctx: typer.Context) -> Manifest:
    """What is installed, looked up once for a command line."""
    from recyclecli.manifest import known

    if "manifest" not in ctx.meta:
        ctx.meta["manifest"] = known(COMPLETION_WAIT if ctx.resilient_parsing else HELP_WAIT)
    manifest: Manifest = ctx.meta["manifest"]
    return manifest


def installed_here(ctx: typer.Context) -> Manifest:
    """What is installed, found in this process where no other could: plugins are loaded then."""
    from recyclecli.discovery import discover, manifest_of
    from recyclecli.manifest import fingerprint, plugin_points

    points = plugin_points()
    if installed(ctx).fingerprint != fingerprint(points):
        ctx.meta["manifest"] = manifest_of(discover(), points)
    return installed(ctx)


def all_components(ctx: typer.Context) -> Named:
    """Offers the installed components of every kind."""
    return [(one.name, f"{one.kind}: {one.summary}") for one in installed(ctx).components]


def recipes(ctx: typer.Context, incomplete: str) -> Named:
    """Offers the installed recipes, and files of YAML."""
    files = Path().glob(f"{glob.escape(incomplete)}*")
    found = [(str(file), "") for file in files if file.suffix in (".yaml", ".yml")]
    return [(one.name, one.summary) for one in installed(ctx).recipes] + found
