"""What our distributions bring: what the core knows of commands and callbacks whose package is missing."""

import json

from recyclecli.bundled import FILE
from recyclecli.plugins import Registry


def text(registry: Registry) -> str:
    """The table: command to distribution, and likewise the callbacks that observe.

    Commands keep the order that they have, which is that of the help.
    """
    commands = {one.name: plugin.distribution for plugin in registry.plugins for one in plugin.commands}
    observers = {
        offer.component.name: offer.plugin.distribution
        for offer in registry.offers("callback")
        if getattr(offer.component, "observes", False)
    }
    before = json.loads(FILE.read_text(encoding="utf-8"))["commands"]
    names = [*(name for name in before if name in commands), *(name for name in commands if name not in before)]
    table = {"commands": {name: commands[name] for name in names}, "observers": observers}
    return json.dumps(table, indent=1) + "\n"
