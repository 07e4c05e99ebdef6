"""Two packages that offer one name are named, whatever its kind, and a check that breaks is its package's."""

import pytest

from recyclecli.cli.doctor import examine
from recyclecli.plugins import Plugin, Registry
from recyclecli.types import Check, Command, Finding, LossComponent, NamedRecipe, Options

OFFERS = {
    "components": LossComponent("acme", "acme.loss:Loss", Options, "A loss"),
    "commands": Command(("data", "acme"), "acme.cli:run", "A command"),
    "recipes": NamedRecipe("acme", "acme:recipe.yaml", "A recipe"),
}


def both(**offered):
    return Registry(tuple(Plugin(name, name, "1.0", **offered) for name in ("acme", "bolt")))


@pytest.mark.parametrize(
    ("offers", "name"), zip(OFFERS, ("loss acme", "command data acme", "recipe acme"), strict=True)
)
def test_each_kind_of_which_one_is_picked_is_named(tmp_path, offers, name):
    registry, bare = both(**{offers: (OFFERS[offers],)}), name.partition(" ")[2]
    line = f"{name} is offered by 2 packages; pick one: {bare}@acme or {bare}@bolt"
    assert registry.clashes() == [line]
    assert Finding("note", line) in examine(registry, tmp_path)


@pytest.mark.parametrize(
    "offered",
    [{"commands": (Command(("acme",), "", "A group"),)}, {"checks": (Check("acme", "acme:look", "A check"),)}],
    ids=["group", "check"],
)
def test_what_goes_on_side_by_side_is_no_clash(offered):
    assert both(**offered).clashes() == []


def leaves():
    raise SystemExit(4)


def raises():
    raise ValueError("no camera")


def gives_texts():
    return ["the camera answers"]


def gives_none():
    return None


@pytest.mark.parametrize("look", [leaves, raises, gives_texts, gives_none])
def test_a_check_that_breaks_is_its_packages_and_ends_nothing(tmp_path, look):
    check = Check("camera", f"{__name__}:{look.__name__}", "Whether the camera answers")
    findings = list(examine(Registry((Plugin("acme", "acme", "1.0", checks=(check,)),)), tmp_path))
    broken = [finding.what for finding in findings if finding.state == "fix" and "camera" in finding.what]
    assert len(broken) == 1
    assert broken[0].startswith("check camera of acme: ")
    assert any("GB free" in finding.what for finding in findings)
