"""Which package of this repository brings which command: what the core knows of commands whose package is missing."""

import json
from pathlib import Path

from recyclecli.plugins import Registry

FILE = Path(__file__).parents[2] / "recyclecli" / "cli" / "brought.json"


def text(registry: Registry) -> str:
    """The table: command to distribution. Commands keep the order that they have, which is that of the help."""
    found = {one.name: plugin.distribution for plugin in registry.plugins for one in plugin.commands if one.target}
    before = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    names = [*(name for name in before if name in found), *(name for name in found if name not in before)]
    return json.dumps({name: found[name] for name in names}, indent=1) + "\n"
