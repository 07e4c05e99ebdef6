"""One name means one thing in the whole repository."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]

SHARED_NAMES = {
    "T": "the usual name of a type variable",
    "R": "the usual name of a type variable",
    "log": "the usual name of a logger",
    "app": "what typer's users call an app",
    "COMMANDS": "each distribution that has commands lists them in its manifest",
    "Color": "three whole numbers in both; readers of labels may not import recycle_data",
    "MAX_PIXELS": "recycle_coco.unreadable is embedded in exports; the core, which sets it, lies below",
}


def constants():
    """The modules that bind each public name at their top level by an assignment."""
    found = defaultdict(set)
    for file in [*ROOT.glob("recyclecli/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py")]:
        if "templates" in file.parts:
            continue
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            for target in targets:
                names = target.elts if isinstance(target, ast.Tuple) else [target]
                found_here = {name.id for name in names if isinstance(name, ast.Name) and name.id[0] != "_"}
                for name in found_here:
                    found[name].add(str(file.relative_to(ROOT)))
    return found


def test_each_constant_is_defined_once():
    twice = {name: modules for name, modules in constants().items() if len(modules) > 1}
    assert {name: modules for name, modules in twice.items() if name not in SHARED_NAMES} == {}
    assert SHARED_NAMES.keys() - twice.keys() == set()  # none that is no longer needed


def test_shared_constants_have_one_value():
    from recycle_coco import unreadable
    from recycle_data import palette
    from recycle_datasets import tables

    from recyclecli.cli import app

    assert app.MAX_PIXELS == unreadable.MAX_PIXELS
    assert palette.Color == tables.Color
