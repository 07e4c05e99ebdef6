"""The reference pages, written from the code: `make reference`."""

import os
from pathlib import Path

from recyclecli.plugins import ALLOW_LIST, discover
from reference import codes, commands, components, contracts, python, settings, slow

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference"
NOTE = "<!-- Written from the code by `make reference`; edit the docstrings and descriptions there. -->\n\n"


def pages() -> dict[str, str]:
    """Name of each page in docs/reference to its text; only the repository's own plugins count."""
    os.environ[ALLOW_LIST] = ",".join(sorted(folder.name for folder in (ROOT / "plugins").glob("recycle-*")))
    os.environ.pop("RECYCLE_DATA", None)
    registry = discover()
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
