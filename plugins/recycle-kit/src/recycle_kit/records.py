"""Conformance tests of what a package brings beside components: commands, recipes, checks of `recycle doctor`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest

from recycle_kit.base import Rules
from recyclecli.errors import RecycleError
from recyclecli.plugins import Registry, discover
from recyclecli.records import imported
from recyclecli.types import Finding


class RecordConformance(Rules):
    """What commands, recipes and checks have in common: set `name`."""

    listed: ClassVar[str]

    @pytest.fixture
    def record(self, registry: Registry) -> Any:
        """What the package yields under `name`, which may end in `@PACKAGE`."""
        name, _, package = self.name.partition("@")
        plugins = [plugin for plugin in registry.plugins if package in ("", plugin.distribution)]
        offers = [one for plugin in plugins for one in getattr(plugin, self.listed) if one.name == name]
        self.rule(bool(offers), "an installed package to yield it", "none", "recycle plugins list")
        return offers[0]


class CommandConformance(RecordConformance):
    """A command: its help is shown, wrong options are told, and its module is imported when it is typed.

    `name` is what is typed after `recycle`: `acme upload`.
    """

    kind: ClassVar[str] = "command"
    listed: ClassVar[str] = "commands"

    def _run(self, record: Any, code: int, option: str) -> str:
        """What it prints, with an exit code that has to be this one."""
        owners = [one.distribution for one in discover().plugins if ("command", record.name) in one.names()]
        owner = self.name.partition("@")[2] or owners[0]
        words = (f"{record.name}@{owner}" if len(owners) > 1 else record.name).split()
        line = [sys.executable, "-m", "recyclecli", *words, option]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        said = f"`recycle {record.name} {option}` to end with {code}"
        self.rule(done.returncode == code, said, f"{done.returncode}: {done.stderr.strip()}", "type it, and mend that")
        return done.stdout + done.stderr

    def test_its_help_is_shown(self, record: Any) -> None:
        """With exit code 0."""
        said = self._run(record, 0, "--help")
        self.rule(record.name in said, "its help to name it", "another text", "name a Typer function as the target")

    def test_unknown_options_are_told(self, record: Any) -> None:
        """With exit code 2, as of every command."""
        said = self._run(record, 2, "--no-such-option")
        remedy = "let Typer read the command line"
        self.rule("--no-such-option" in said, "an unknown option to be named", "another text", remedy)

    def test_is_imported_when_it_is_typed(self, record: Any) -> None:
        """Listing plugins imports no module of its target."""
        module = record.target.partition(":")[0]
        if not module:
            pytest.skip("a group without code of its own")
        code = f"import sys; from recyclecli.plugins import discover; discover(); print({module!r} in sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        late = done.stdout.split()[-1] == "False"
        remedy = f"name {module} in `target` alone"
        self.rule(late, f"{module} to be imported when the command is typed", "the manifest imports it", remedy)


class RecipeConformance(RecordConformance):
    """A recipe: a file that resolves, with components that are installed and take the options that it names."""

    kind: ClassVar[str] = "recipe"
    listed: ClassVar[str] = "recipes"

    def test_it_resolves(self, registry: Registry, record: Any, tmp_path: Path) -> None:
        """As `recycle train --recipe NAME` resolves it, and what comes of it resolves to itself."""
        resolve = pytest.importorskip("recycle_data.resolve", reason="recycle-data is not installed").resolve
        remedy = "let the wheel hold it"
        self.rule(record.path().is_file(), f"{record.file} to be a file", f"nothing at {record.path()}", remedy)
        try:
            recipe = resolve(registry, self.name)
        except RecycleError as error:
            self.rule(False, "it to resolve", str(error.args[0]), error.remedy or "mend the file")
        written = tmp_path / "recipe.yaml"
        written.write_text(recipe.to_yaml(), encoding="utf-8")
        same = resolve(registry, written) == recipe
        self.rule(same, "what it resolves to to resolve to itself", "another recipe", "write its values in full")


class CheckConformance(RecordConformance):
    """A check of `recycle doctor`: it returns findings, and whatever is to be mended says how."""

    kind: ClassVar[str] = "check"
    listed: ClassVar[str] = "checks"

    def test_returns_findings(self, record: Any) -> None:
        """Each `ok`, `note` or `fix`, in words; `fix` with a remedy."""
        for finding in imported(record.target)():
            found = repr(finding)
            self.rule(isinstance(finding, Finding), "a Finding", found, "return or yield recyclecli.types.Finding")
            states = finding.state in ("ok", "note", "fix") and bool(finding.what.strip())
            self.rule(states, "ok, note or fix, and what was found", found, "Finding('ok', '3 cameras answer')")
            told = bool(finding.remedy) or finding.state != "fix"
            self.rule(told, "a remedy where something is to be mended", found, "Finding('fix', what, remedy)")
