"""The hooks, and what passes between the core and its plugins."""

import inspect
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass

from recycle_kit.scaffold import SCAFFOLD_KINDS

from recyclecli import hookspecs, types
from recyclecli.plugins import HOOKS, RECORDS
from recyclecli.types import KINDS
from reference.text import code, docstring, signature, table


def hooks() -> str:
    """Each hook with its signature, its docstring and its example."""
    parts = ["# Hooks", docstring(hookspecs), "How to write a plugin: [Writing a plugin](../plugins.md)."]
    for name, kind in {**HOOKS, **{name: record.__name__ for name, record in RECORDS.items()}}.items():
        hook = getattr(hookspecs, name)
        parts += [f"## `{name}`", code(f"def {signature(hook, name)}"), f"Kind: {kind}.", docstring(hook)]
    return "\n\n".join(parts)


def contracts() -> str:
    """Every public name of `recyclecli.types`, kinds first."""
    parts = ["# Component kinds and contracts", docstring(types)]
    made = "To write a working package of a kind: `recycle plugins new acme-parts --kind KIND`."
    parts += ["## The kinds", made, table(("kind", "hook", "yields", "contract", "conformance tests"), _kinds())]
    parts += [
        "## Values",
        f"- `IGNORE` = {types.IGNORE}: the mask value of pixels that count in no loss and no score.\n"
        f"- `RESERVED` = {', '.join(sorted(types.RESERVED))}: keys that no option may be called.",
    ]
    parts.append("## Classes")
    own = [one for one in vars(types).values() if inspect.isclass(one) and one.__module__.startswith("recyclecli.")]
    for one in own:
        parts += [f"### `{one.__name__}`", code(declared(one)), docstring(one), *_members(one)]
    return "\n\n".join(parts)


def _kinds() -> Iterator[tuple[str, ...]]:
    """A row for each kind of component and of record."""
    components = {one.kind: one for one in vars(types).values() if getattr(one, "kind", None) in KINDS}
    forms = {**{hook: components[kind] for hook, kind in HOOKS.items()}, **RECORDS}
    for kind, (hook, form) in zip(SCAFFOLD_KINDS, forms.items(), strict=True):
        contract = inspect.cleandoc(form.__doc__ or "").split("\n")[0]
        yield kind, f"`{hook}`", f"`{form.__name__}`", contract, f"`{kind.title()}Conformance`"


def declared(one: type) -> str:
    """A class as its users write it: the fields of a dataclass or tuple, the signature of others."""
    if is_dataclass(one):
        given = [
            f"    {field.name}: {field.type}" + ("" if _required(field) else " = ...") + "\n" for field in fields(one)
        ]
        return f"class {one.__name__}:\n" + "".join(given)
    if hasattr(one, "_fields"):
        hints = inspect.get_annotations(one)
        return f"class {one.__name__}(NamedTuple):\n" + "".join(
            f"    {name}: {hints[name].__forward_arg__}\n" for name in one._fields
        )
    call = vars(one).get("__call__")
    return f"class {one.__name__}:\n    def {signature(call, '__call__')}" if call else f"class {one.__name__}"


def _required(field: object) -> bool:
    return field.default is MISSING and field.default_factory is MISSING  # type: ignore[attr-defined]


def _members(one: type) -> list[str]:
    found = [(name, member) for name, member in vars(one).items() if not name.startswith("_")]
    lines = [
        f"- `{signature(member, name)}`: {docstring(member)}" for name, member in found if inspect.isfunction(member)
    ]
    lines += [
        f"- `{name}`: {docstring(member)}"
        for name, member in found
        if isinstance(member, property) or type(member).__name__ == "cached_property"
    ]
    return ["\n".join(lines)] if lines else []
