"""What our distributions bring: what the core knows of commands and callbacks whose package is missing."""

import json
import re
import textwrap

from recyclecli.bundled import BUNDLED_FILE
from recyclecli.plugins import Registry

GLUE = "\u00a0"  # a space at which no line ends


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
    before = json.loads(BUNDLED_FILE.read_text(encoding="utf-8"))["commands"]
    names = [*(name for name in before if name in commands), *(name for name in commands if name not in before)]
    table = {"commands": {name: commands[name] for name in names}, "observers": observers}
    whole = re.sub(r"(?<!,) ", GLUE, json.dumps(table))  # lines end after commas alone
    return textwrap.fill(whole, 118, break_long_words=False, break_on_hyphens=False).replace(GLUE, " ") + "\n"
