"""The public names keep their signatures, unless someone means to change them and says so."""

import json

import pluggy
import pytest
from surface import FILE, MODULES, surface

from recyclecli import hookimpl

CHANGE = """the public names of recyclecli are no longer those of tests/surface.json:
{}
Names and arguments may be added; to take one away or change one, follow docs/compatibility.md first.
Then: `make surface`, and say in CHANGELOG.md, at the top release, what changed for whom."""


def differences(frozen, now):
    for module in MODULES:
        before, after = frozen[module], now[module]
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                sign = "+" if name not in before else "-" if name not in after else "~"
                yield f"  {sign} {module}.{name}: {before.get(name, 'new')} -> {after.get(name, 'gone')}"


def test_the_public_names_are_those_of_the_frozen_file():
    changes = list(differences(json.loads(FILE.read_text(encoding="utf-8")), surface()))
    assert not changes, CHANGE.format("\n".join(changes))


def test_what_is_frozen_is_what_the_docs_call_public():
    frozen = surface()
    assert {"hookimpl", "__version__"} <= set(frozen["recyclecli"])
    assert {"Component", "Batch.mask", "Kind", "Loss.__call__", "RecycleError"} <= set(frozen["recyclecli.types"])
    assert {"recycle_losses"} <= set(frozen["recyclecli.hookspecs"])
    assert {"Conformance.name", "random_batch"} <= set(frozen["recycle_kit.testing"])
    assert {"train", "evaluate"} <= set(frozen["recycle_engine.api"])
    page = (FILE.parents[1] / "docs/compatibility.md").read_text(encoding="utf-8")
    assert [module for module in MODULES if f"`{module}`" not in page] == []


def test_a_change_is_told_by_name():
    frozen = surface()
    before = {module: dict(names) for module, names in frozen.items()}
    before["recycle_engine.api"]["gone"] = "function()"
    del before["recycle_engine.api"]["train"]
    before["recyclecli"]["__version__"] = "int"
    told = [line.split(":")[0].strip() for line in differences(before, frozen)]
    assert told == ["~ recyclecli.__version__", "- recycle_engine.api.gone", "+ recycle_engine.api.train"]


def test_a_hook_may_get_arguments_and_warn_without_breaking_plugins():
    """As docs/compatibility.md has it: who takes fewer arguments goes on working, a deprecated hook warns."""

    class Later:
        @pluggy.HookspecMarker("recyclecli")
        def recycle_losses(self, config):
            """With an argument that it did not have."""

        @pluggy.HookspecMarker("recyclecli")(warn_on_impl=DeprecationWarning("recycle_models: use recycle_nets"))
        def recycle_models(self):
            """To go."""

    class Early:
        @hookimpl
        def recycle_losses(self):
            return ["a loss"]

        @hookimpl
        def recycle_models(self):
            return ["a model"]

    manager = pluggy.PluginManager("recyclecli")
    manager.add_hookspecs(Later)
    with pytest.warns(DeprecationWarning, match="use recycle_nets"):
        manager.register(Early())
    assert manager.hook.recycle_losses(config=None) == [["a loss"]]
    assert manager.hook.recycle_models() == [["a model"]]
