"""What a plugin offers beside components: plain records, which are listed and looked up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

GROUP = "recyclecli"
"""The group of the entry points that name plugins."""

KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
ADDRESS = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def imported(address: str) -> Any:
    """What `package.module:attribute` names; whatever its module raises while it is imported."""
    module, _, attribute = address.partition(":")
    return getattr(import_module(module), attribute)


def _check_texts(what: str, *values: object) -> None:
    for value in values:
        if not isinstance(value, str):
            raise ValueError(f"{what}: {value!r} is no text")


def _check_named(what: str, name: str, place: str, summary: str) -> None:
    _check_texts(what, name, place, summary)
    if not KEBAB.fullmatch(name):
        raise ValueError(f"{what} name {name!r} is not kebab-case")
    if not summary.strip():
        raise ValueError(f"{what} {name} has no summary, which lists of them show")


@dataclass(frozen=True, slots=True)
class Command:
    """One command of `recycle`, or a group of commands.

    Attributes:
        path: the words that are typed after `recycle`, kebab-case: `("data", "dedupe")`. A path that begins as
            that of a group puts the command into it, whoever brings the group.
        target: `package.module:attribute` of a function with Typer's annotations, or of a `typer.Typer`; imported
            when the command is typed. Empty for a group that has no code of its own.
        summary: the line that `recycle --help` shows, with which nothing is imported.
        epilog: Markdown that ends the command's own help, usually a line to be typed.

    Raises:
        ValueError: a field does not have that form.
    """

    path: tuple[str, ...]
    target: str
    summary: str
    epilog: str = ""

    def __post_init__(self) -> None:
        _check_texts("command", self.target, self.summary, self.epilog)
        words = [self.path] if isinstance(self.path, str) else list(self.path)
        if isinstance(self.path, str) or not words:
            raise ValueError(f"command path {self.path!r} is not a tuple of words, as ('data', 'dedupe')")
        if wrong := [word for word in words if not (isinstance(word, str) and KEBAB.fullmatch(word))]:
            raise ValueError(f"command path {self.path!r}: {wrong[0]!r} is not kebab-case")
        if self.target and not ADDRESS.fullmatch(self.target):
            raise ValueError(f"command {self.name}: target {self.target!r} is not 'package.module:attribute'")
        if not self.summary.strip():
            raise ValueError(f"command {self.name} has no summary, which `recycle --help` shows")

    @property
    def name(self) -> str:
        """What is typed after `recycle`: `data dedupe`."""
        return " ".join(self.path)


@dataclass(frozen=True, slots=True)
class NamedRecipe:
    """A named recipe: `recycle train --recipe NAME`.

    Attributes:
        name: kebab-case. `default` is what a bare `recycle train` uses.
        file: `package:path/in/it.yaml`, a recipe; what it leaves out is that of its `base: NAME`, else of `default`.
        summary: the line that `recycle recipes list` shows.

    Raises:
        ValueError: a field does not have that form.
    """

    name: str
    file: str
    summary: str

    def __post_init__(self) -> None:
        _check_named("recipe", self.name, self.file, self.summary)
        if not re.fullmatch(r"[A-Za-z_][\w.]*:[^/\\][^\\]*\.ya?ml", self.file):
            raise ValueError(f"recipe {self.name}: file {self.file!r} is not 'package:path/in/it.yaml'")

    def path(self) -> Path:
        """Where its file lies."""
        from importlib.resources import files

        package, _, inside = self.file.partition(":")
        return Path(str(files(package).joinpath(inside)))


@dataclass(frozen=True, slots=True)
class Check:
    """A check of `recycle doctor`.

    Attributes:
        name: kebab-case.
        target: `package.module:attribute`, called without arguments; it returns `Finding`s.
        summary: one line for lists.

    Raises:
        ValueError: a field does not have that form.
    """

    name: str
    target: str
    summary: str

    def __post_init__(self) -> None:
        _check_named("check", self.name, self.target, self.summary)
        if not ADDRESS.fullmatch(self.target):
            raise ValueError(f"check {self.name}: target {self.target!r} is not 'package.module:attribute'")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check looked at: `ok`, `note` (it works, but know this) or `fix`, with what to do."""

    state: Literal["ok", "note", "fix"]
    what: str
    remedy: str = ""
