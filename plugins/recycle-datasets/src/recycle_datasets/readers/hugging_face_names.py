"""Names of numbered classes in a set of Hugging Face."""

import logging
from collections.abc import Iterator, Set
from typing import Any

from recycle_coco import Tree
from recycle_coco.yaml import parse_yaml

log = logging.getLogger("recycle.datasets")

CARDS = ("README.md",)
INFO_FILES = ("dataset_info.json", "dataset_infos.json")
NUMBERED = ("id2label.json",)
AROUND = frozenset(("dtype", "class_label", "feature", "features", "sequence", "list", "names"))
"""Keys between a feature's name and what it is."""


def class_names(tree: Tree, keys: Set[str]) -> dict[str, str]:
    """Number to name of the classes that rows have under `keys`; {} where nothing, or several lists, tell."""
    for name in tree.named(*NUMBERED):
        content = tree.glimpse(name)
        if isinstance(content, dict) and content:
            return {str(number): name for number, name in enumerate(_ordered(content))}
    found: list[list[str]] = []
    for name in tree.named(*CARDS, *INFO_FILES):
        content = _front(tree.head(name)) if name.lower().endswith(".md") else tree.glimpse(name)
        found += [names for feature, names in _labels(content) if feature in keys and names not in found]
    if len(found) > 1:
        log.warning(f"note: {tree.root}: its cards name the classes in {len(found)} ways, and none is used")
    return {str(number): name for number, name in enumerate(found[0])} if len(found) == 1 else {}


def _front(text: str) -> Any:
    """The YAML at the beginning of a card; None where there is none."""
    before, mark, rest = text.partition("---\n")
    try:
        return parse_yaml(rest.partition("\n---")[0]) if mark and not before.strip() else None
    except ValueError:
        return None


def _labels(content: Any) -> Iterator[tuple[str, list[str]]]:
    """The features that are class labels, with the names of their classes in order."""
    waiting = [(content, "")]
    while waiting:
        value, feature = waiting.pop()
        if isinstance(value, list):
            waiting += [(one, feature) for one in value]
        elif isinstance(value, dict):
            feature = str(value["name"]) if isinstance(value.get("name"), str) else feature
            for key, inner in value.items():
                if key == "names" and isinstance(inner, list | dict):
                    yield feature, _ordered(inner)
                else:
                    waiting.append((inner, feature if key in AROUND else str(key)))


def _ordered(names: Any) -> list[str]:
    """Names of a list, or by number."""
    if isinstance(names, dict):
        names = [names[key] for key in sorted(names, key=lambda key: (len(str(key)), str(key)))]
    return [str(one).strip() for one in names]
