"""Conformance tests of what a package brings beside components: commands, recipes, checks of `recycle doctor`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest

from recyclecli.plugins import Registry, discover
from recyclecli.records import imported
from recyclecli.types import Finding


class RecordConformance:
    """What commands, recipes and checks have in common: set `name`."""

    name: ClassVar[str]
    listed: ClassVar[str]

    @pytest.fixture(scope="class")
    @classmethod
    def registry(cls) -> Registry:
        """What is installed."""
        return discover()

    @pytest.fixture
    def record(self, registry: Registry) -> Any:
        """What the package yields under `name`, which may end in `@PACKAGE`."""
        name, _, package = self.name.partition("@")
        plugins = [plugin for plugin in registry.plugins if package in ("", plugin.distribution)]
        offers = [one for plugin in plugins for one in getattr(plugin, self.listed) if one.name == name]
        assert offers, f"no installed package yields {name!r} among its {self.listed}: see `recycle plugins list`"
        return offers[0]


class CommandConformance(RecordConformance):
    """A command: its help is shown, wrong options are told, and its module is imported when it is typed.

    `name` is what is typed after `recycle`: `acme upload`.
    """

    listed: ClassVar[str] = "commands"

    def _run(self, record: Any, *more: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "recyclecli", *record.path, *more]
        return subprocess.run(line, capture_output=True, text=True, check=False)

    def test_its_help_is_shown(self, record: Any) -> None:
        """With exit code 0."""
        done = self._run(record, "--help")
        assert done.returncode == 0, f"`recycle {record.name} --help` fails:\n{done.stderr}"
        assert record.name in done.stdout

    def test_unknown_options_are_told(self, record: Any) -> None:
        """With exit code 2, as of every command."""
        done = self._run(record, "--no-such-option")
        assert done.returncode == 2, f"`recycle {record.name} --no-such-option` ends with {done.returncode}, not with 2"
        assert "--no-such-option" in done.stderr

    def test_is_imported_when_it_is_typed(self, record: Any) -> None:
        """Listing plugins imports no module of its target, and no torch."""
        module = record.target.partition(":")[0]
        if not module:
            pytest.skip("a group without code of its own")
        code = f"import sys; from recyclecli.plugins import discover; discover(); print({module!r} in sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.split()[-1] == "False", f"the manifest imports {module}: name it in `target` alone"


class RecipeConformance(RecordConformance):
    """A recipe: a file that resolves, with components that are installed and take the options that it names."""

    listed: ClassVar[str] = "recipes"

    def test_it_resolves(self, registry: Registry, record: Any, tmp_path: Path) -> None:
        """As `recycle train --recipe NAME` resolves it, and what comes of it resolves to itself."""
        resolve = pytest.importorskip("recycle_data.resolve", reason="recycle-data is not installed").resolve
        assert record.path().is_file(), f"{record.path()} is not there: does the wheel hold it?"
        recipe = resolve(registry, self.name)
        written = tmp_path / "recipe.yaml"
        written.write_text(recipe.to_yaml(), encoding="utf-8")
        assert resolve(registry, written) == recipe


class CheckConformance(RecordConformance):
    """A check of `recycle doctor`: it returns findings, and whatever is to be mended says how."""

    listed: ClassVar[str] = "checks"

    def test_returns_findings(self, record: Any) -> None:
        """Each `ok`, `note` or `fix`, in words; `fix` with a remedy."""
        findings = list(imported(record.target)())
        for finding in findings:
            assert isinstance(finding, Finding), f"{record.target}() yields {finding!r}, which is no Finding"
            assert finding.state in ("ok", "note", "fix"), f"{finding!r}: its state is none of ok, note, fix"
            assert finding.what.strip(), f"{finding!r} says nothing"
            assert finding.remedy or finding.state != "fix", f"{finding!r} has no remedy"
