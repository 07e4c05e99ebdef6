"""What notebooks and plugin authors import: the modules `api`, `recycle_coco`, `recycle_kit.testing`."""

import ast
import inspect
from importlib import import_module
from types import ModuleType
from typing import Any

import recycle_coco as coco
from recycle_engine import api
from recycle_export import api as exports
from recycle_kit import testing
from recycle_report import api as reports
from recycle_serve import api as served

from reference.contracts import declared
from reference.text import code, docstring, signature

PUBLIC = {"api.md": api, "coco.md": coco, "testing.md": testing}


def pages() -> dict[str, str]:
    """A page for each module; that of `api` also has the classes of its results."""
    made = {name: _page(module) for name, module in PUBLIC.items()}
    parts = ["## Results"]
    for one in _results():
        parts += [f"### `{one.__name__}`", code(declared(one)), docstring(one), *_members(one)]
    parts += [
        _page(module).replace("\n## ", "\n### ").replace("# `", "## `", 1) for module in (reports, exports, served)
    ]
    made["api.md"] += "\n\n" + "\n\n".join(parts)
    return made


def names(module: ModuleType) -> list[str]:
    """The public names of a module, as it lists them or defines them."""
    package = module.__name__.partition(".")[0] if module is testing else module.__name__
    own = [name for name, one in vars(module).items() if getattr(one, "__module__", "").startswith(package)]
    return list(getattr(module, "__all__", [name for name in own if not name.startswith("_")]))


def _page(module: ModuleType) -> str:
    parts = [f"# `{module.__name__}`", docstring(module)]
    for name in names(module):
        one = getattr(module, name)
        parts.append(f"## `{name}`")
        if inspect.isclass(one):
            parts += [code(f"class {name}{_bases(one)}"), docstring(one), *_members(one)]
        elif inspect.isfunction(one):
            parts += [code(signature(one, name)), docstring(one)]
        else:
            parts.append(code(f"{name} = {sorted(one) if isinstance(one, (set, frozenset)) else one!r}"))
    return "\n\n".join(parts)


def _bases(one: type) -> str:
    names = ", ".join(base.__name__ for base in one.__bases__ if base is not object)
    return f"({names})" if names else ""


def _members(one: type) -> list[str]:
    lines = []
    for name, member in vars(one).items():
        if name.startswith("_"):
            continue
        if inspect.isfunction(member) and member.__doc__:
            lines.append(f"- `{signature(member, name)}`: {_flat(member)}")
        elif isinstance(member, property) or type(member).__name__ == "cached_property":
            lines.append(f"- `{name}`: {_flat(member)}")
    return ["\n".join(lines)] if lines else []


def _flat(member: Any) -> str:
    return " ".join(docstring(member).split("\n\n")[0].split())


def _results() -> list[type]:
    """The classes that functions of `recycle_engine.api` return, and those of what these hold, in order, each once."""
    found: dict[str, type] = {}
    for name in api.__all__:
        function = getattr(api, name)
        if not inspect.isfunction(function):
            continue
        _collect(found, function.__module__, str(inspect.signature(function).return_annotation))
    return list(found.values())


def _collect(found: dict[str, type], module: str, annotation: str) -> None:
    """Add the classes that an annotation names, each followed by those of its attributes and of what it returns.

    What those of the core hold stands with the contracts.
    """
    known = _imported(import_module(module))
    for node in ast.walk(ast.parse(annotation, mode="eval")):
        one = known.get(node.id) if isinstance(node, ast.Name) else None
        if inspect.isclass(one) and one.__name__ not in found:
            found[one.__name__] = one
            if not one.__module__.startswith("recycle_"):
                continue
            members = [member for name, member in vars(one).items() if name == "__call__" or not name.startswith("_")]
            calls = [getattr(member, "fget", getattr(member, "func", member)) for member in members]
            returns = [str(inspect.signature(call).return_annotation) for call in calls if inspect.isfunction(call)]
            for inner in (*map(str, inspect.get_annotations(one).values()), *returns):
                _collect(found, one.__module__, inner)


def _imported(module: ModuleType) -> dict[str, Any]:
    """Classes of a module, and names that it imports from ours, also those for type checkers alone."""
    tree = ast.parse(inspect.getsource(module))
    imports = [one for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)]
    own = {name: one for name, one in vars(module).items() if getattr(one, "__module__", "") == module.__name__}
    return own | {
        alias.name: getattr(import_module(one.module), alias.name)
        for one in imports
        if (one.module or "").startswith("recycle")
        for alias in one.names
        if hasattr(import_module(one.module), alias.name)
    }
