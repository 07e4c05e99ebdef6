"""One name, one meaning: modules, classes, functions, options and keys are called by the field's word for them."""

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest
from reference import commands
from support import recipe_keys

from recyclecli.recipe import Recipe

ROOT = Path(__file__).parents[2]

OLD_MODULES = """
learned ranks making judging predicting looks nan saving leaks frozen average together siblings library pictures work
ledger stored painted listing mend drawn pieces rings words sheet uris sorting turns kit brought
"""
OLD_NAMES = """
Looks NotANumber WholeFiles tell_leaks Frozen Keep Library Mix Machine work_on _Said Ledger Trick Painted Look rings
Turns Place Left impatient Refused take Model flat Trained Making Running Written whole listed nearest FaultsFound
Offer Made Photo Finding Shown Part say drawn
"""
"""What modules, classes and functions were called before they had the field's words."""

MEANT = {
    "recyclecli/parts.py": {"Model"},  # what a model component builds
    "recyclecli/records.py": {"Finding"},  # what `recycle doctor` finds
}
"""Where such a name is the field's word."""

OPTIONS = {"--worth", "--least", "--sliver", "--with", "--window", "--num-output", "--count"}
KEYS = {"keep", "clip", "accumulate"}
PARAMETERS = {"shares", "batch", "window"}  # of functions, beside --weight, --batch-size and --sliding-window


@cache
def modules():
    """The tree of each module of ours, by its file below the folder that is installed."""
    files = [*ROOT.glob("recyclecli/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py")]
    return {file.as_posix().split("/src/")[-1].removeprefix(f"{ROOT}/"): ast.parse(file.read_text()) for file in files}


def defined(kinds):
    """Names of top-level definitions, each with the modules that define it."""
    found = defaultdict(list)
    for name, tree in modules().items():
        for node in tree.body:
            if isinstance(node, kinds):
                found[node.name].append(name)
    return found


def test_no_module_has_a_name_of_before():
    parts = {part.removesuffix(".py") for name in modules() for part in name.split("/")}
    assert len(parts) > 300
    assert parts & {*OLD_MODULES.split()} == set()


def test_no_class_or_function_has_a_name_of_before():
    found = defined((ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
    old = found.keys() & {*OLD_NAMES.split()}
    assert [(name, file) for name in old for file in found[name] if name not in MEANT.get(file, ())] == []


def test_no_two_classes_have_one_name():
    """Only private ones may, which are known in their module alone."""
    found = defined(ast.ClassDef)
    assert {name: files for name, files in found.items() if len(files) > 1 and not name.startswith("_")} == {}


@pytest.mark.parametrize("flag", sorted(OPTIONS))
def test_no_option_has_a_name_of_before(flag):
    assert [" ".join(path) for path, command in commands.tree() for one in command.params if flag in one.opts] == []


def test_no_key_of_the_recipe_has_a_name_of_before():
    keys = set(recipe_keys(Recipe))
    assert {"save_top_k", "grad_clip", "accumulate_grad_batches"} <= keys
    assert keys & KEYS == set()


def test_functions_use_the_words_of_the_options():
    found = {}
    for name, tree in modules().items():
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and "/api" in name and not node.name.startswith("_"):
                found[node.name] = {each.arg for each in [*node.args.args, *node.args.kwonlyargs]}
    assert {"predict", "load", "soup", "pipeline", "open_data"} <= found.keys()
    assert {name: names & PARAMETERS for name, names in found.items() if names & PARAMETERS} == {}
