"""What an author of a plugin is told about each mistake in a package."""

import json
import re
import sys

import pytest
from support import TINY, recycle_here

from recyclecli.plugins import discover

MANIFEST = """
from pydantic import Field
from recyclecli import hookimpl
from recyclecli.types import LossComponent, ModelComponent, Options, Requirement


class AcmeOptions(Options):
    {option}: float = Field(1.0, description="of a loss")


@hookimpl
def {hook}:
    {body}
"""
GOOD = {
    "option": "gamma",
    "hook": "recycle_losses()",
    "body": 'yield LossComponent("acme", "acme_losses.loss:Loss", AcmeOptions, "A loss")',
}


def install(folder, manifest, entry_point="acme_losses", loss="class Loss:\n    pass\n"):
    """An installed distribution acme-losses; the folder that it is in."""
    (folder / "acme_losses").mkdir(parents=True)
    (folder / "acme_losses/__init__.py").write_text(manifest)
    (folder / "acme_losses/loss.py").write_text(loss)
    info = folder / "acme_losses-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-losses\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(f"[recyclecli]\nacme-losses = {entry_point}\n")
    return folder


@pytest.mark.parametrize(
    ("changes", "entry_point", "cause"),
    [
        ({}, "acme_looses", "its entry point names acme_looses, which cannot be imported: No module named"),
        ({}, "acme_losses:plugin", "acme_losses:plugin, which cannot be imported: module 'acme_losses' has no attr"),
        ({"hook": "recycle_loss()"}, "acme_losses", "hook recycle_loss is unknown (.*) nearest: recycle_losses"),
        ({"body": "pass"}, "acme_losses", "recycle_losses returned None: let it yield loss components"),
        ({"hook": "recycle_models()"}, "acme_losses", "recycle_models returned 'acme', which is no model component"),
        ({"hook": "recycle_losses(context)"}, "acme_losses", "declared in the hookimpl but can not be found"),
        ({"option": "weight"}, "acme_losses", r"options \['weight'\] hide names of the recipe or of pydantic"),
        ({"option": "copy"}, "acme_losses", r"options \['copy'\] hide names"),
        ({"body": GOOD["body"].replace('"acme"', '"Acme Loss"')}, "acme_losses", "'Acme Loss' is not kebab-case"),
        ({"body": GOOD["body"].replace(":Loss", ".Loss")}, "acme_losses", "is not 'package.module:attribute'"),
        ({"body": GOOD["body"].replace("AcmeOptions", "dict")}, "acme_losses", "subclass of recyclecli.types.Options"),
        ({"body": 'return LossComponent("a", "b.c:D", AcmeOptions, "x")'}, "acme_losses", "is not iterable"),
        ({"body": GOOD["body"] + "\n    " + GOOD["body"]}, "acme_losses", "returned 'acme' twice"),
    ],
)
def test_each_mistake_has_its_cause(tmp_path, monkeypatch, changes, entry_point, cause):
    install(tmp_path, MANIFEST.format(**GOOD | changes), entry_point)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("RECYCLE_PLUGINS", "acme-losses")
    (plugin,) = [plugin for plugin in discover().plugins if plugin.distribution == "acme-losses"]
    sys.modules.pop("acme_losses", None)
    assert (plugin.state, plugin.components) == ("failed", ())
    assert re.search(cause, plugin.cause), plugin.cause


def test_a_hook_may_have_another_name_as_pluggy_allows(tmp_path, monkeypatch):
    manifest = MANIFEST.format(**GOOD | {"hook": "losses()"}).replace(
        "@hookimpl", '@hookimpl(specname="recycle_losses")'
    )
    install(tmp_path, manifest)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("RECYCLE_PLUGINS", "acme-losses")
    (plugin,) = [plugin for plugin in discover().plugins if plugin.distribution == "acme-losses"]
    sys.modules.pop("acme_losses", None)
    assert [one.name for one in plugin.components] == ["acme"], plugin.cause


def test_a_manifest_without_a_hook_says_how_to_mark_one(tmp_path):
    site = install(tmp_path / "site", MANIFEST.format(**GOOD).replace("@hookimpl\n", ""))
    done = recycle_here("plugins", "check", cwd=tmp_path, sites=[site])
    assert done.returncode == 1
    assert "acme-losses: acme_losses marks no function with @hookimpl; the hooks are recycle_datasets" in done.stderr
    shown = recycle_here("plugins", "show", "acme", cwd=tmp_path, sites=[site]).stderr
    assert "not loaded: acme-losses (see `recycle plugins list`)" in shown


def test_a_factory_that_does_not_exist_is_found_before_it_is_built(tmp_path):
    body = GOOD["body"].replace("acme_losses.loss", "acme_losses.lost")
    site = install(tmp_path / "site", MANIFEST.format(**GOOD | {"body": body}))
    done = recycle_here("plugins", "check", cwd=tmp_path, sites=[site])
    assert done.returncode == 1
    assert "its factory acme_losses.lost:Loss has no module acme_losses.lost" in done.stderr


@pytest.mark.parametrize(
    ("loss", "cause"),
    [
        ("class Lost:\n    pass\n", "has no attribute 'Loss'"),
        ("import no_such_package\n", "No module named 'no_such_package'"),
        ("Loss = 3\n", "cannot be called"),
    ],
)
def test_checking_a_package_imports_its_factories(tmp_path, loss, cause):
    site = install(tmp_path / "site", MANIFEST.format(**GOOD), loss=loss)
    assert recycle_here("plugins", "check", cwd=tmp_path, sites=[site]).returncode == 0
    done = recycle_here("plugins", "check", "acme-losses", cwd=tmp_path, sites=[site])
    assert done.returncode == 1
    assert cause in done.stderr
    assert "loss acme@acme-losses" in done.stderr


def test_a_name_that_another_package_has_is_told(tmp_path):
    site = install(tmp_path / "site", MANIFEST.format(**GOOD).replace('"acme"', '"focal"'))
    note = "loss focal is offered by 2 packages; pick one: focal@acme-losses or focal@recycle-losses"
    for command in ("list", "check"):
        done = recycle_here("plugins", command, cwd=tmp_path, sites=[site])
        assert done.returncode == 0
        assert note in done.stderr
    shown = recycle_here("plugins", "show", "focal", "--json", cwd=tmp_path, sites=[site]).stdout
    assert [one["distribution"] for one in json.loads(shown)] == ["acme-losses", "recycle-losses"]


def test_a_bug_of_a_plugin_is_not_called_ours(tmp_path, small):
    site = install(tmp_path / "site", MANIFEST.format(**GOOD), loss="def Loss(options, context):\n    return 1 / 0\n")
    train = ("train", "--data", small, "--loss", "acme", *TINY, "-o", "data.size=32")
    done = recycle_here(*train, cwd=tmp_path, sites=[site])
    assert done.returncode == 70
    assert "a bug of the plugin acme-losses: ZeroDivisionError" in done.stderr
    assert "please report it to the authors of acme-losses, with this text and the command" in done.stderr
