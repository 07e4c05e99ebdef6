"""The repository keeps the shape that the design gives it, and the docs name what there is."""

import ast
import re
from pathlib import Path

import pytest

from recyclecli.plugins import HOOKS, RECORDS, discover

ROOT = Path(__file__).parents[2]
OURS = "recycle"
TEXTS = (".py", ".j2", ".css", ".js", ".txt", ".yaml")


def lines(path):
    return len(path.read_text(encoding="utf-8").splitlines())


def sources(folder):
    """Its files, templates and those of shells included, but what Python makes of them."""
    return [file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts]


def test_the_core_stays_thin():
    """All its files are counted, and all of the distributions beside them."""
    counts = {"recyclecli": sum(map(lines, sources(ROOT / "recyclecli")))}
    for folder in sorted((ROOT / "plugins").glob("recycle-*")):
        texts = [
            file for file in sources(folder / "src") if file.suffix in (".py", ".j2", ".css", ".js", ".txt", ".yaml")
        ]
        counts[folder.name] = sum(map(lines, texts))
    print(counts, sum(counts.values()))
    assert counts["recyclecli"] < 4000


def test_no_file_is_long():
    sources = [*ROOT.glob("recyclecli/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py")]
    assert len(sources) > 40
    assert {path.name: lines(path) for path in sources if lines(path) > 400} == {}


def test_every_hook_and_component_is_documented():
    hooks = (ROOT / "docs/plugins.md").read_text()
    assert [name for name in (*HOOKS, *RECORDS) if f"`{name}`" not in hooks] == []
    readme = (ROOT / "README.md").read_text()
    first_party = [offer for offer in discover().offers() if offer.plugin.distribution.startswith("recycle-")]
    assert [o.component.name for o in first_party if o.component.name not in readme] == []


@pytest.mark.parametrize("distribution", sorted(path.name for path in (ROOT / "plugins").iterdir() if path.is_dir()))
def test_every_plugin_is_a_distribution_of_its_own(distribution):
    folder = ROOT / "plugins" / distribution
    for name in ("pyproject.toml", "README.md", "src", "tests"):
        assert (folder / name).exists()


def test_benchmarks_use_what_users_have():
    """Only the public functions, and for running commands nothing of ours at all; one measures a step inside."""
    for file in set(ROOT.glob("benchmarks/*.py")) - {ROOT / "benchmarks/stratification.py"}:
        found = set()
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(OURS):
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names if alias.name.startswith(OURS)}
        assert {name for name in found if not re.fullmatch(r"recycle_\w+\.api", name)} == set(), file
    for file in ROOT.glob("docs/*.md"):
        if file.name != "plugins.md":  # its readers implement contracts
            lines = [line.strip() for line in file.read_text().splitlines()]
            imports = {line for line in lines if re.match(rf"(from|import) {OURS}", line)}
            assert {line for line in imports if not re.fullmatch(r"from recycle_\w+ import api", line)} == set(), file
