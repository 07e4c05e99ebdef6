"""A recipe as YAML holds it, a tree of mappings: where it names components, and setting a dotted key in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from recycle_data.bases import MERGED
from recycle_data.migrate_recipe import rewritten
from recyclecli.errors import RecycleError, suggest
from recyclecli.printable import short_repr
from recyclecli.recipe import LISTS
from recyclecli.types import Kind

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Slot:
    """A place of a recipe that names components of one kind: one of them, or a list.

    Attributes:
        kind: of the components.
        section: the key of the section that holds it; empty for the recipe itself.
        key: its own key there.
        several: whether it is a list.
    """

    kind: Kind
    section: str
    key: str
    several: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        """Its key, step by step."""
        return (self.section, self.key) if self.section else (self.key,)

    def owner(self, tree: Tree) -> Tree:
        """The section of a tree that holds it."""
        owner: Tree = tree[self.section] if self.section else tree
        return owner


SLOTS = (
    Slot("model", "", "model"),
    Slot("dataset", "data", "dataset"),
    Slot("optimizer", "train", "optimizer"),
    Slot("schedule", "train", "schedule"),
    Slot("callback", "train", "callbacks", several=True),
    *(Slot(kind, "", key, several=True) for key, kind in LISTS.items()),
)

PART_KEYS: dict[str, Kind] = {".".join(slot.path): slot.kind for slot in SLOTS if not slot.several}
"""Keys of a recipe that name one component."""


def spelled_out(tree: Tree) -> Tree:
    """`tree` with its components spelled out as mappings, lists of them as lists."""
    full = dict(tree)
    for key in MERGED:
        if not (full.get(key) is None or isinstance(full[key], dict)):
            raise RecycleError(f"recipe: {key} = {short_repr(full[key])} is no section of keys and values")
        full[key] = dict(full.get(key) or {})
    for slot in SLOTS:
        owner = slot.owner(full)
        if slot.several and (slot.key in owner or not slot.section):
            owner[slot.key] = _spelled_list(owner.get(slot.key))
        elif slot.key in owner:
            owner[slot.key] = _spelled(owner[slot.key])
    full["train"] = rewritten(full["train"])
    return full


def named_parts(tree: Tree) -> Iterator[tuple[Slot, Any]]:
    """What stands where the recipe names components, one by one, as it stands there."""
    for slot in SLOTS:
        value = slot.owner(tree).get(slot.key)
        if not slot.several:
            yield slot, value
        elif isinstance(value, list):
            yield from ((slot, part) for part in value)


def assign(tree: Tree, key: str, value: Any) -> None:
    """Set a dotted key of a tree that is spelled out; a component by name drops the options of the one before.

    Raises:
        LookupError: a list holds no such entry, or a step of the key has no keys of its own.
        AttributeError, TypeError: what stands there is no section.
    """
    steps = key.split(".")
    slot = next((one for one in SLOTS if tuple(steps[: len(one.path)]) == one.path), None)
    if slot is None:
        _set(tree, steps, value)
        return
    owner, rest = slot.owner(tree), steps[len(slot.path) :]
    if slot.several:
        if rest:
            _set(*_entry(slot, owner.get(slot.key) or [], rest), value)
        else:
            owner[slot.key] = _spelled_list(value)
    elif rest not in ([], ["name"]):
        _set(owner[slot.key], rest, value)
    elif isinstance(name := _name_alone(value), str) and same_part(name, str(owner[slot.key].get("name"))):
        owner[slot.key]["name"] = max(name, owner[slot.key]["name"], key=len)
    else:
        owner[slot.key] = _spelled(value)


def same_part(name: str, other: str) -> bool:
    """Whether two names may mean one component: the same, or one is the other without its distribution."""
    return name == other or (name.partition("@")[0] == other.partition("@")[0] and not ("@" in name and "@" in other))


def _name_alone(part: Any) -> Any:
    """The name of an entry that states no options."""
    return part["name"] if isinstance(part, dict) and part.keys() == {"name"} else part


def _set(entry: Tree, steps: Sequence[str], value: Any) -> None:
    for step in steps[:-1]:
        entry = entry.setdefault(step, {})
        if not isinstance(entry, dict):
            raise LookupError(f"{step} has no keys of its own")
    entry[steps[-1]] = value


def _entry(slot: Slot, entries: list[Tree], rest: list[str]) -> tuple[Tree, list[str]]:
    """The entry of a list that `rest` addresses, by its id or name, and the keys below it."""
    named = [entry for entry in entries if rest[0] in (entry.get("id"), entry.get("name"))]
    named = named or [entry for entry in entries if same_part(rest[0], str(entry.get("name")))]
    if len(named) == 1 and len(rest) > 1:
        return named[0], rest[1:]
    where = ".".join(slot.path)
    if len(named) > 1:
        raise LookupError(f"{where} names {rest[0]} {len(named)} times; give each an id and use that")
    if slot.kind == "loss" and len(entries) == 1 and len(rest) == 1:
        return entries[0], rest
    names = [str(entry.get("id") or entry.get("name")) for entry in entries]
    raise LookupError(f"{where} holds no such entry; {suggest(rest[0], names)}")


def _spelled(part: Any) -> Any:
    return {"name": part} if isinstance(part, str) else part


def _spelled_list(parts: Any) -> Any:
    parts = [parts] if isinstance(parts, (str, dict)) else parts
    return [_spelled(part) for part in parts] if isinstance(parts, (list, tuple)) else parts or []
