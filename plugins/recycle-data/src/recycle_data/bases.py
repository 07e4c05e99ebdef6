"""Recipes by name or file, each with what it leaves out: from its `base: NAME`, else from the recipe `default`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recycle_coco.yaml import read_yaml

from recyclecli.errors import RecycleError
from recyclecli.home import expanded
from recyclecli.manifest import file_of
from recyclecli.plugins import DEFAULT
from recyclecli.printable import short_repr
from recyclecli.private import map_texts
from recyclecli.reading import MissingFile

MERGED = ("data", "train")  # sections of which a recipe inherits the keys that it leaves out


def whole_tree(recipe: str | Path | None, named: Mapping[str, Path]) -> dict[str, Any]:
    """The sections of a recipe, of nothing but `default` where there is none.

    Args:
        recipe: a name, or a file: what has a suffix of YAML or a folder before it, or is called as no recipe.
        named: the installed recipes.

    Raises:
        RecycleError: it or a base of it is missing, no recipe, or based on itself.
    """
    if recipe is None:
        return _based(DEFAULT, named, ())
    text = expanded(str(recipe))
    is_file = isinstance(recipe, Path) or Path(text).suffix in (".yaml", ".yml") or Path(text).name != text
    if not is_file and (text in named or not Path(text).is_file()):
        return _based(text, named, ())
    return _inherited(_read(Path(text)), text, named, ())


def _based(name: str, named: Mapping[str, Path], above: tuple[str, ...]) -> dict[str, Any]:
    if name in above:
        raise RecycleError(
            f"the recipe {name} is based on itself: {' -> '.join([*above, name])}", "take one `base` out of these"
        )
    tree = _read(file_of(name, named, f", the base of {above[-1]}" if above else ""))
    return tree if name == DEFAULT and "base" not in tree else _inherited(tree, name, named, (*above, name))


def _inherited(tree: dict[str, Any], what: str, named: Mapping[str, Path], above: tuple[str, ...]) -> dict[str, Any]:
    base = tree.get("base", DEFAULT)
    if not isinstance(base, str):
        raise RecycleError(f"{what}: base = {short_repr(base)} is no name of a recipe", "see `recycle recipes list`")
    inherited = _based(base, named, above or (what,))
    for key in MERGED:
        below, own = inherited.get(key), tree.get(key)
        if isinstance(below, dict) and isinstance(own, dict):
            tree = {**tree, key: {**below, **own}}
        elif own is None and below is not None:  # `train:` without anything behind it
            tree = {**tree, key: below}
    return {**inherited, **{key: value for key, value in tree.items() if key != "base"}}


def _read(file: Path) -> dict[str, Any]:
    try:
        tree = read_yaml(file)
    except MissingFile as error:
        raise RecycleError(f"recipe {file} does not exist", f"recycle init --out {shlex.quote(str(file))}") from error
    if tree is not None and not isinstance(tree, dict):
        raise RecycleError(f"{file} is not a recipe: a mapping of sections is expected")
    written: dict[str, Any] = map_texts(tree or {}, expanded)
    return written
