"""The site's navigation leads to every page and to no other; its builder does not look."""

import re
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]


def test_every_page_is_in_the_navigation_once():
    settings = YAML(typ="safe").load(ROOT / "mkdocs.yml")
    named = re.findall(r"'([^']+\.md)'", repr(settings["nav"]))
    there = [file.relative_to(ROOT / "docs").as_posix() for file in ROOT.glob("docs/**/*.md")]
    assert sorted(named) == sorted(there)
