"""docs/reference is what the code says, and says all of it."""

import builtins
import re

import pytest
import reference
from recycle_data.check.catalogue import CATALOGUE
from reference import bundled, commands, python
from support import recipe_keys

from recyclecli.cli.app import EXIT_CODES
from recyclecli.errors import ChecksFailed, RecycleError, RunFailed
from recyclecli.plugins import HOOKS, discover
from recyclecli.recipe import DataFile, LossPart, Recipe
from recyclecli.types import KINDS

OWN = frozenset(folder.name for folder in (reference.ROOT / "plugins").glob("recycle-*"))


def page(name):
    return (reference.FOLDER / name).read_text(encoding="utf-8")


def section(name, title):
    """The text below one `##` heading."""
    (found,) = [part for part in re.split(r"(?m)^## ", page(name)) if part.split("\n")[0] == title]
    return found


@pytest.fixture(autouse=True)
def own_plugins_alone(monkeypatch):
    monkeypatch.setenv("RECYCLE_PLUGINS", ",".join(OWN))


def test_the_pages_are_up_to_date():
    made = reference.pages()
    assert {file.name for file in reference.FOLDER.iterdir()} == made.keys()
    assert [name for name, text in made.items() if text != page(name)] == [], "run `make reference`"
    assert bundled.text(reference.own()) == bundled.BUNDLED_FILE.read_text(), "run `make reference`"


def test_every_command_and_option():
    for path, command in commands.tree():
        text = section(
            commands.PAGES.get(" ".join(path[:2]), commands.PAGES.get(path[0], "cli.md")), f"recycle {' '.join(path)}"
        )
        flags = [flag for one in command.params for flag in (*one.opts, *one.secondary_opts) if flag.startswith("-")]
        assert [flag for flag in flags if flag != "--help" and f"`{flag}`" not in text] == [], path
        assert command.epilog in text
        assert [one.name for one in command.params if not one.help and one.name != "help"] == [], path


def test_every_hook_and_kind():
    for hook, kind in HOOKS.items():
        assert f"def {hook}() -> " in section("hooks.md", f"`{hook}`")
        assert f"| {kind} |" in page("contracts.md")
    assert set(HOOKS.values()) == set(KINDS)


@pytest.mark.parametrize("name", ["contracts.md", "api.md"])
def test_what_is_raised_and_what_results_hold_is_described(name):
    """An author who has the built pages alone can raise, catch and read it."""
    described = set(re.findall(r"(?m)^#+ `(\w+)`", page(name))) | set(dir(builtins))
    lists = re.findall(r"Raises:\n\n((?:- .*\n)+)", page(name))
    assert set(re.findall(r"(?m)^- `(\w+)`: ", "".join(lists))) <= described
    if name == "api.md":
        ours = set(re.findall(r"\b(Result|Estimate|ClassScores|PredictedObject|KeptScore)\b", page(name)))
        assert ours == {"Result", "Estimate", "ClassScores", "PredictedObject", "KeptScore"} & described


def test_every_component_and_option():
    offers = discover(OWN).offers()
    assert len(offers) > 40
    pages = {kind: f"{hook.removeprefix('recycle_')}.md" for hook, kind in HOOKS.items()}
    for offer in offers:
        text = section(pages[offer.component.kind], offer.component.name)
        assert [name for name in offer.component.options.model_fields if f"| `{name}` |" not in text] == []


def test_every_recipe_key_with_a_description():
    text = page("recipe.md")
    for key in {*recipe_keys(Recipe), *recipe_keys(DataFile), *recipe_keys(LossPart)}:
        rows = re.findall(rf"(?m)^\| `(?:[\w.\[\]]+\.)?{key}` \| (.*?) \|", text)
        assert rows, key
        assert all(rows), key


def test_every_code():
    assert {error.exit_code for error in (RecycleError, ChecksFailed, RunFailed)} < EXIT_CODES.keys()
    assert [code for code in EXIT_CODES if f"| {code} |" not in page("exit-codes.md")] == []
    assert [code for code in CATALOGUE if f"| `{code}` |" not in page("faults.md")] == []


@pytest.mark.parametrize("name", python.PUBLIC)
def test_every_public_name(name):
    found = python.names(python.PUBLIC[name])
    assert len(found) > 5
    assert [one for one in found if f"## `{one}`" not in page(name)] == []
