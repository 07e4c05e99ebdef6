"""`recycle doctor`"""

from __future__ import annotations

import json
import os
import platform
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from recyclecli import __version__
from recyclecli.cli.options import AsJson
from recyclecli.errors import counted
from recyclecli.home import named_data
from recyclecli.records import Finding, imported

if TYPE_CHECKING:
    from recyclecli.plugins import Registry

SPACE = 2e9  # bytes that a run with its checkpoints may want


def doctor(as_json: AsJson = False) -> None:
    """Check versions, GPU, plugins and disk; exit code 1 if something must be fixed."""
    from recyclecli.discovery import discover

    findings = list(examine(discover(), Path()))
    if as_json:
        print(json.dumps([{"state": f.state, "what": f.what, "remedy": f.remedy} for f in findings]))
    else:
        for finding in findings:
            print(f"{finding.state:4}  {finding.what}" + (f"\n      -> {finding.remedy}" if finding.remedy else ""))
    if any(finding.state == "fix" for finding in findings):
        raise typer.Exit(1)


def examine(registry: Registry, folder: Path) -> Iterator[Finding]:
    """Look at versions, plugins, the disk where runs would be written, settings, and at what the plugins look at."""
    yield Finding("ok", f"recyclecli {__version__}, Python {platform.python_version()}, {platform.platform()}")
    for plugin in registry.plugins:
        for check in plugin.checks:
            try:
                yield from [Finding(one.state, one.what, one.remedy) for one in imported(check.target)()]
            except (Exception, SystemExit) as error:  # of a stranger's code
                what = f"check {check.name} of {plugin.distribution}: {type(error).__name__}: {error}"
                yield Finding("fix", what, f"update or uninstall {plugin.distribution}")
    yield from _plugins(registry)
    yield from _place(folder)


def _plugins(registry: Registry) -> Iterator[Finding]:
    from recyclecli.discovery import misplaced

    working = [plugin for plugin in registry.plugins if plugin.state == "ok"]
    if not working:
        remedy = "in a checkout of recyclecli: pip install ./plugins/recycle-data ./plugins/recycle-datasets"
        yield Finding("note", "no plugin is loaded", remedy)
    else:
        yield Finding("ok", f"{counted(len(working), 'plugin')} with {counted(len(registry.offers()), 'component')}")
    for plugin in registry.plugins:
        if plugin.state == "failed":
            remedy = f"update or uninstall {plugin.distribution}"
            yield Finding("fix", f"plugin {plugin.distribution} {plugin.version}: {plugin.cause}", remedy)
        elif plugin.state == "blocked":
            yield Finding("note", f"plugin {plugin.distribution}: {plugin.cause}")
        if plugin.note:
            yield Finding("note", f"plugin {plugin.distribution} {plugin.version}: {plugin.note}")
    for line in (*registry.clashes(), *misplaced()):
        yield Finding("note", line)
    for offer in registry.offers():
        if offer.missing():
            yield Finding("note", f"{offer.qualified} cannot be used yet", f"pip install {shlex.join(offer.missing())}")


def _place(folder: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(folder).free
    state: Literal["ok", "fix"] = "ok" if free > SPACE else "fix"
    yield Finding(state, f"{free / 1e9:.1f} GB free in {folder.absolute()}", "" if state == "ok" else "free some space")
    if not os.access(folder, os.W_OK):
        yield Finding("fix", f"{folder.absolute()} cannot be written", "run recycle in a folder of yours")
    if (named := named_data()) and not Path(named).is_dir():
        yield Finding("fix", f"$RECYCLE_DATA names {named}, which is no folder", "correct or unset it")
    if sys.flags.optimize:
        yield Finding("note", "Python runs with -O", "run it without")
