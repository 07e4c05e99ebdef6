"""The reference pages, written from the code: `make reference`."""

import os
from pathlib import Path

from recyclecli.plugins import ALLOW_LIST, Registry, discover
from reference import codes, commands, components, contracts, python, settings, slow

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference"
NOTE = "<!-- Written from the code by `make reference`; edit the docstrings and descriptions there. -->\n\n"


def own() -> Registry:
    """The repository's own plugins alone."""
    os.environ[ALLOW_LIST] = ",".join(sorted(folder.name for folder in (ROOT / "plugins").glob("recycle-*")))
    return discover()


def pages() -> dict[str, str]:
    """Name of each page in docs/reference to its text."""
    os.environ.pop("RECYCLE_DATA", None)
    registry = own()
    made = {
        **commands.pages(),
        **components.pages(registry),
        **python.pages(),
        "hooks.md": contracts.hooks(),
        "contracts.md": contracts.contracts(),
        "recipe.md": settings.page(registry),
        "exit-codes.md": codes.exits(),
        "faults.md": codes.faults(),
        "slow-tests.md": slow.page(),
    }
    return {name: NOTE + text.rstrip() + "\n" for name, text in made.items()}
