"""The tests that `make test` leaves out, each with its reason."""

import ast
from collections.abc import Iterator
from pathlib import Path

from reference.text import table

ROOT = Path(__file__).parents[2]
MARK = "pytest.mark.slow"


def page() -> str:
    """A table of the slow tests by file."""
    folders = (ROOT / "tests", ROOT / "plugins")
    files = sorted(file for folder in folders for name in ("test_*.py", "conftest.py") for file in folder.rglob(name))
    rows = [
        (f"`{file.relative_to(ROOT).as_posix()}`", f"`{name}`", reason)
        for file in files
        for name, reason in marked(file)
    ]
    about = (
        "`make test` runs every test but these; `make test-all` and continuous integration run these too. "
        "How tests are written: [CONTRIBUTING.md](https://github.com/recyclecli/recyclecli/blob/main/CONTRIBUTING.md)."
    )
    return "\n\n".join(["# Slow tests", about, table(("file", "test", "why it is slow"), rows)])


def marked(file: Path) -> Iterator[tuple[str, str]]:
    """(test, reason) of each test, class of tests or fixture that is marked slow as a whole or in some cases.

    Raises:
        ValueError: a mark without a reason.
    """
    tree = ast.parse(file.read_text(encoding="utf-8"))
    named: dict[str, list[str]] = {}  # module-level values and functions that hold marks, for tests to use
    for node in tree.body:
        if reasons := list(_reasons(node, named, file)):
            for name in _defined(node):
                named[name] = reasons
    for node, name in _tests(tree, ""):
        for decorator in node.decorator_list:
            if reasons := dict.fromkeys(_reasons(decorator, named, file)):
                whole = _is_mark(decorator) or isinstance(decorator, ast.Name)
                yield name if whole else f"{name} (some cases)", "; ".join(reasons)


def _defined(node: ast.stmt) -> Iterator[str]:
    """The names of a module-level value or function, unless it is a test."""
    if isinstance(node, ast.FunctionDef) and not node.name.startswith("test"):
        yield node.name
    elif isinstance(node, ast.Assign):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _tests(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[ast.FunctionDef | ast.ClassDef, str]]:
    for one in node.body:
        if isinstance(one, ast.ClassDef):
            yield one, prefix + one.name
            yield from _tests(one, f"{prefix}{one.name}.")
        elif isinstance(one, ast.FunctionDef):
            yield one, prefix + one.name


def _reasons(tree: ast.AST, named: dict[str, list[str]], file: Path) -> Iterator[str]:
    """The reasons of all marks in a piece of code, and of what it uses."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in named:
            yield from named[node.id]
        elif isinstance(node, ast.Call) and _is_mark(node):
            yield _reason(node, file)
        elif isinstance(node, ast.Attribute) and ast.unparse(node) == MARK and not _called(tree, node):
            raise ValueError(f"{file}:{node.lineno}: {MARK} without a reason")


def _called(tree: ast.AST, attribute: ast.Attribute) -> bool:
    return any(isinstance(node, ast.Call) and node.func is attribute for node in ast.walk(tree))


def _is_mark(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == MARK


def _reason(node: ast.expr, file: Path) -> str:
    if isinstance(node, ast.Call) and len(node.args) == 1 and isinstance(node.args[0], ast.Constant):
        return str(node.args[0].value)
    raise ValueError(f"{file}:{node.lineno}: {MARK} takes one reason")
