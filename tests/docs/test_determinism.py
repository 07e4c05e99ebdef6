"""docs/runs.md says of each of our models and losses whether a GPU repeats it, and of no other."""

import re
from pathlib import Path

import pytest
from recycle_engine import api

PAGE = (Path(__file__).parents[2] / "docs/runs.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("kind", "column"), [("model", 1), ("loss", 2)])
def test_each_is_named_once(kind, column):
    table = PAGE[PAGE.index("| on a GPU with `train.deterministic: true`") :].partition("\n\n")[0].splitlines()[2:]
    named = [name for row in table for name in re.findall(r"[\w-]+", row.split("|")[column + 1])]
    ours = {"model": {"recycle-smp"}, "loss": {"recycle-losses"}}[kind]
    offers = [one for one in api.registry().offers() if one.component.kind == kind]
    assert sorted(named) == sorted(one.component.name for one in offers if one.qualified.partition("@")[2] in ours)
