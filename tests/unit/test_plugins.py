"""Discovery: isolation, collisions, unknown hooks, the allow-list, lazy building."""

import re
import shutil
import sys

import pytest
from pydantic import Field
from support import DISTS, fake_dists

from recyclecli import discovery, plugins, types
from recyclecli.bundled import commands
from recyclecli.errors import RecycleError
from recyclecli.plugins import Plugin, RegisteredComponent, discover
from recyclecli.types import (
    KINDS,
    Component,
    LossComponent,
    LossContext,
    Options,
    Requirement,
)

FIRST_PARTY = {"recycle-datasets", "recycle-densecrf", "recycle-kornia", "recycle-losses", "recycle-smp"}


def by_distribution(registry):
    return {plugin.distribution: plugin for plugin in registry.plugins}


def test_first_party_parts_come_through_entry_points_alone(registry):
    assert {plugin.distribution for plugin in registry.plugins if plugin.state == "ok"} >= FIRST_PARTY
    assert discover(found=[]).plugins == ()


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("raises", "RuntimeError: out of cheese"),
        ("exits", "SystemExit: 7"),
        ("half", "ValueError: the second hook broke"),
        ("wrong-kind", "no loss component"),
        ("old", "not kebab-case"),
        ("unknown-hook", "recycle_samplers is unknown to this recyclecli: upgrade"),
    ],
)
def test_a_broken_plugin_is_disabled_whole_and_alone(monkeypatch, name, cause):
    fake_dists(monkeypatch, name, "ok")
    found = by_distribution(discover())
    assert found[f"acme-{name}"].state == "failed"
    assert cause in found[f"acme-{name}"].cause
    assert found[f"acme-{name}"].components == ()
    assert found["acme-ok"].state == "ok"
    assert found["recycle-losses"].state == "ok"


def test_a_process_discovers_once_while_nothing_is_installed(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(tmp_path)
    first = discovery.discover()
    assert discovery.discover() is first
    shutil.copytree(DISTS / "ok", tmp_path, dirs_exist_ok=True)
    more = discovery.discover()
    assert by_distribution(more)["acme-ok"].state == "ok"
    assert discovery.discover() is more
    monkeypatch.setenv("RECYCLE_PLUGINS", "recycle-losses")
    assert by_distribution(discovery.discover())["acme-ok"].state == "blocked"
    monkeypatch.delenv("RECYCLE_PLUGINS")
    fake_dists(monkeypatch, "raises")  # what fails may be mended in a file that nobody watches
    assert discovery.discover() is not discovery.discover()


def test_every_hook_has_its_kind_and_is_used():
    forms = {getattr(form, "kind", None) for form in vars(types).values() if form is not Component}
    assert forms - {None} == set(plugins.HOOKS.values()) == set(KINDS)
    declared = {name for name in vars(plugins.hookspecs) if name.startswith("recycle_")}
    assert declared == {*plugins.HOOKS, *plugins.RECORDS}
    for name in declared:
        doc = getattr(plugins.hookspecs, name).__doc__
        assert "Example:" in doc
        assert re.search(r"versionadded:: \d", doc)


def test_same_named_entry_points_of_two_distributions_are_both_seen(monkeypatch):
    fake_dists(monkeypatch, "ok", "clash")
    assert {"acme-ok", "acme-clash"} <= by_distribution(discover()).keys()


def test_a_name_offered_twice_must_be_qualified(monkeypatch):
    fake_dists(monkeypatch, "ok", "clash")
    registry = discover()
    with pytest.raises(RecycleError, match=r"acme-clash 1\.0, acme-ok 1\.0(.|\n)*acme@acme-clash or acme@acme-ok"):
        registry.find("loss", "acme")
    assert registry.find("loss", "acme@acme-ok").plugin.distribution == "acme-ok"


def test_an_unknown_name_says_the_nearest(registry):
    with pytest.raises(RecycleError, match="nearest: focal"):
        registry.find("loss", "focall")


def test_what_a_plugin_prints_goes_to_stderr(monkeypatch, capsys):
    fake_dists(monkeypatch, "prints")
    assert by_distribution(discover())["acme-prints"].state == "ok"
    out, err = capsys.readouterr()
    assert out == ""
    assert "noise at import" in err
    assert "noise in a hook" in err


def test_ctrl_c_during_discovery_is_not_swallowed(monkeypatch):
    point = next(iter(plugins.entry_points(group="recyclecli")))

    class Interrupting:
        name, dist = "x", point.dist

        def load(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        discover(found=[Interrupting()])


def test_an_allow_list_that_names_what_is_not_installed_is_said(monkeypatch, logged):
    fake_dists(monkeypatch, "ok")
    monkeypatch.setenv("RECYCLE_PLUGINS", "Acme_OK,acme-oh,recycle-data")
    discovery.discover()
    said = "note: $RECYCLE_PLUGINS names acme-oh, which is not installed; nearest: acme-ok\n"
    assert logged() == said


@pytest.mark.parametrize(
    ("value", "loaded"),
    [
        ("", set()),
        ("recycle-losses", {"recycle-losses"}),
        ("Recycle_Losses, recycle.smp", {"recycle-losses", "recycle-smp"}),
    ],
)
def test_allow_list_goes_by_distribution_name(monkeypatch, value, loaded):
    monkeypatch.setenv("RECYCLE_PLUGINS", value)
    registry = discover()
    assert {plugin.distribution for plugin in registry.plugins if plugin.state == "ok"} == {
        *loaded,
        *commands().values(),
    }
    assert {plugin.state for plugin in registry.plugins} <= {"ok", "blocked"}


def test_a_blocked_plugin_is_not_even_imported(monkeypatch):
    fake_dists(monkeypatch, "raises")
    monkeypatch.setenv("RECYCLE_PLUGINS", "recycle-losses")
    sys.modules.pop("acme_raises", None)
    assert by_distribution(discover())["acme-raises"].state == "blocked"
    assert "acme_raises" not in sys.modules


class PlainOptions(Options):
    level: int = Field(1, description="x")


def test_the_factory_is_imported_only_when_built(monkeypatch, registry):
    for module in [name for name in sys.modules if name.startswith("recycle_losses.")]:
        monkeypatch.delitem(sys.modules, module)
    offer = registry.find("loss", "dice")
    assert "recycle_losses.overlap" not in sys.modules
    offer.build(offer.options({}), LossContext(("a", "b"), lambda: (1, 1)))
    assert "recycle_losses.overlap" in sys.modules


def test_a_missing_requirement_says_what_to_install():
    component = LossComponent(
        "needy", "nowhere.loss:Loss", PlainOptions, "x", (Requirement("no_such_module", "no-such-package>=2"),)
    )
    offer = RegisteredComponent(component, Plugin("x", "acme", "1"))
    assert offer.missing() == ["no-such-package>=2"]
    with pytest.raises(RecycleError, match=r"pip install 'no-such-package>=2'"):
        offer.build(PlainOptions(), None)


def test_a_factory_that_cannot_be_imported_names_its_package():
    offer = RegisteredComponent(
        LossComponent("gone", "no_such_module:Loss", PlainOptions, "x"), Plugin("x", "acme", "1")
    )
    with pytest.raises(RecycleError, match=r"gone@acme(.|\n)*update acme"):
        offer.build(PlainOptions(), None)


def test_a_folder_that_a_package_may_not_write_to_is_the_remedy(monkeypatch, tmp_path):
    (tmp_path / "acme_locked.py").write_text("open('/proc/nowhere/cache', 'w')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    offer = RegisteredComponent(
        LossComponent("locked", "acme_locked:Loss", PlainOptions, "x"), Plugin("x", "acme", "1")
    )
    with pytest.raises(RecycleError, match="let yourself read and write /proc/nowhere/cache"):
        offer.build(PlainOptions(), None)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "Not Kebab"}, "kebab-case"),
        ({"factory": "no.attribute"}, "package.module:attribute"),
        ({"options": dict}, "subclass"),
    ],
)
def test_a_component_checks_its_form(fields, message):
    good = {"name": "good", "factory": "a.b:c", "options": PlainOptions, "summary": "x"}
    with pytest.raises(ValueError, match=message):
        Component(**(good | fields))


def test_options_may_not_shadow_the_recipes_own_keys():
    class Shadowing(Options):
        weight: float = 1

    with pytest.raises(ValueError, match="weight"):
        LossComponent("shady", "a.b:c", Shadowing, "x")


def test_a_requirement_is_a_top_level_name():
    with pytest.raises(ValueError, match="top-level"):
        Requirement("scipy.ndimage", "scipy")


def test_wrong_options_are_named(registry):
    with pytest.raises(RecycleError, match=r"focal: gama(.|\n)*plugins show focal"):
        registry.build("loss", "focal", {"gama": 2}, LossContext(("a",), tuple))


def test_the_fakes_are_what_these_tests_think(monkeypatch):
    assert {path.name for path in DISTS.iterdir() if path.is_dir()} >= {
        "ok",
        "clash",
        "raises",
        "hangs",
        "unknown-hook",
    }
