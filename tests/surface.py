"""The public names of recyclecli with their signatures, and the file that freezes them.

python tests/surface.py      writes tests/surface.json anew, as `make surface` does
"""

import ast
import inspect
import json
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Literal, get_origin

MODULES = (
    "recyclecli",
    "recyclecli.types",
    "recyclecli.hookspecs",
    "recycle_coco",
    "recycle_kit.testing",
    "recycle_data.api",
    "recycle_engine.api",
    "recycle_export.api",
    "recycle_report.api",
    "recycle_serve.api",
)
FILE = Path(__file__).with_suffix(".json")


def surface() -> dict[str, dict[str, str]]:
    """Module to public name to what it is; members of classes as `Class.member`."""
    return {name: dict(sorted(_names(import_module(name)))) for name in MODULES}


def _names(module):
    for name in getattr(module, "__all__", None) or _defined(module):
        value = getattr(module, name)
        yield name, _described(value)
        if inspect.isclass(value) and value.__module__.startswith("recycle"):
            yield from ((f"{name}.{member}", text) for member, text in _members(value))


def _defined(module):
    """Names that a module without `__all__` defines, or imports as themselves to pass them on."""
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names = [node.name]
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            names = [target.id for target in getattr(node, "targets", None) or [node.target]]
        elif isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names if alias.name == alias.asname]
        else:
            continue
        yield from (name for name in names if not name.startswith("_") or name == "__version__")


def _described(value):
    if inspect.isclass(value):
        return f"class({', '.join(base.__name__ for base in value.__bases__ if base is not object)})"
    if inspect.isfunction(value):
        return f"function{inspect.signature(value)}"
    if isinstance(value, frozenset):
        return f"frozenset {sorted(value)}"
    if isinstance(value, (int, tuple)) or get_origin(value) is Literal:
        return repr(value)
    return type(value).__name__


def _members(value):
    annotations = inspect.get_annotations(value)
    for name in sorted({*annotations, *vars(value)}):
        member = inspect.getattr_static(value, name, None)
        if name.startswith("_") and (name not in ("__init__", "__call__", "__len__") or _is_protocols_own(member)):
            continue
        if isinstance(member, (classmethod, staticmethod)):
            member = member.__func__
        if name in annotations:
            annotation = annotations[name]
            yield name, f"attribute: {getattr(annotation, '__forward_arg__', annotation)}"
        elif isinstance(member, (property, cached_property)):
            yield name, "property"
        elif inspect.isfunction(member):
            yield name, f"method{inspect.signature(member)}"


def _is_protocols_own(member):
    return (
        getattr(member, "__module__", None) == "typing" or getattr(member, "__name__", "") == "_no_init_or_replace_init"
    )


if __name__ == "__main__":
    FILE.write_text(json.dumps(surface(), indent=1) + "\n", encoding="utf-8")
    print(FILE)
