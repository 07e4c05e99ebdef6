"""YOLO's label files, with whatever describes them: a YAML file, darknet's lists, a file of class names."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from recycle_coco import PHOTO_SUFFIXES, Tree, read_yaml, split_called

from recycle_datasets.recognise.places import bare
from recyclecli.types import Evidence, Layout, RecycleError

SPLIT_KEYS = {"train": ("train",), "val": ("val", "valid", "validation", "dev"), "test": ("test",)}
"""The splits of a description, each with what its key may be called."""
NAME_FILES = ("classes.txt", "obj.names", "_darknet.labels", "class.names", "coco.names", "predefined_classes.txt")
LABEL_LINE = re.compile(r"\s*\d+(?:\.0*)?((?:\s+-?(?:[\d.]+(?:[eE][-+]?\d+)?|nan|inf))+)\s*")
MAX_YOLO_FILES = 50  # descriptions, and label files of a folder, that are looked into
LABEL_FILE_BYTES = 4096  # bytes of a label file that are looked at
LABEL_LINES = 8  # lines of a label file that are looked at


def recognise(tree: Tree) -> Iterator[Layout]:
    """A YOLO set: a description with its folders, or label files that have a photo each."""
    example, kind = _example(tree)
    found = dict(descriptions(tree)) if example else {}
    described = usable(tree, found)
    if not example or not (kind or described):
        return
    if kind != "outlines" and _others(tree):
        return  # boxes say nothing about pixels, and something else may
    evidence: Evidence = "content" if kind == "outlines" else "folders"
    what = f"holds {kind} as YOLO writes them" if kind else "has a photo of its name"
    for name, others in preferred(described):
        folder, places = posixpath.dirname(name), dict(described)[name].values()
        inside = bool(folder and places) and all(f"{place}/".startswith(f"{folder}/") for place in places)
        root, data = (folder, posixpath.basename(name)) if inside else ("", name)
        told = [f"{one}, with other classes" if renamed(found[name], found[one]) else one for one in others]
        aside = f"; passed over: {'; '.join(told)} (of the same photos)" if others else ""
        why = f"{name} names classes and folders, and {example} {what}{aside}"
        clash = rival(found, name, others)  # who reads it, says so
        yield Layout("yolo", why, evidence, root, {} if clash else {"data": data})
    if not described:
        yield Layout("yolo", f"{example} {what}", evidence, "", {})


def descriptions(tree: Tree) -> Iterator[tuple[str, dict[str, Any]]]:
    """YAML files and darknet's .data files that name classes and photos, by name, with what they say."""
    for name in tree.ending(".yaml", ".yml")[:MAX_YOLO_FILES]:
        if re.search(r"\b(names|nc)\b", tree.head(name)):
            try:
                content = read_yaml(tree.root / name)
            except RecycleError:
                if re.search(r"^train\s*:", tree.head(name), re.MULTILINE):
                    yield name, {}  # who reads it is told why it cannot be read
                continue
            data = splits_named(content) if isinstance(content, dict) else {}
            splits = data.keys() & SPLIT_KEYS.keys()
            if isinstance(data.get("names"), list | dict) or ({"names", "nc"} & data.keys() and splits):
                yield name, data
    for name in tree.ending(".data")[:MAX_YOLO_FILES]:
        data = splits_named(darknet(tree.head(name)))
        if data.keys() & SPLIT_KEYS.keys():
            yield name, data


def darknet(text: str) -> dict[str, Any]:
    """The settings of a .data file."""
    pairs = (line.split("#")[0].partition("=") for line in text.splitlines())
    return {key.strip(): value.strip() for key, mark, value in pairs if mark and value.strip()}


def rival(found: Mapping[str, Mapping[str, Any]], name: str, others: Iterable[str]) -> str:
    """A description of the same photos that lists other class names; "" for none, or where it is not called data.yaml.

    A `data.yaml` is what YOLO reads where none is named; another description beside it is passed over.
    """
    first = posixpath.basename(name) == DESCRIPTION_FILES[0]
    rivals = (one for one in others if not first or posixpath.basename(one) == DESCRIPTION_FILES[0])
    return next((one for one in rivals if renamed(found[name], found[one])), "")


def renamed(data: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two descriptions list class names, and others."""
    first, second = class_names(data), class_names(other)
    return bool(first and second and first != second)


def class_names(data: Mapping[str, Any]) -> dict[str, str]:
    """The class names that a description lists, by number."""
    names = data.get("names")
    pairs = names.items() if isinstance(names, dict) else enumerate(names) if isinstance(names, list) else ()
    return {str(number): str(name) for number, name in pairs}


def splits_named(content: Mapping[Any, Any]) -> dict[str, Any]:
    """A description with its splits called `train`, `val` and `test`; those that name nothing are left out."""
    others = {key for keys in SPLIT_KEYS.values() for key in keys}
    data = {str(key): value for key, value in content.items() if key not in others and value is not None}
    for split, keys in SPLIT_KEYS.items():
        value = next((content[key] for key in keys if content.get(key)), None)
        if value is not None:
            data[split] = value
    return data


def class_name_list(value: Any) -> list[str]:
    """The places that a description names for a split."""
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]


def find_place(tree: Tree, base: str, place: str, split: str) -> str | None:
    """The folder of photos, or the text file, that a place of another machine means; None where there is none.

    Args:
        tree: the data.
        base: the folder of the description.
        place: as it stands there: absolute, relative, with backslashes.
        split: whose place it is.
    """
    parts = [part for part in re.sub(r"^[A-Za-z]:", "", place.replace("\\", "/")).split("/") if part not in ("", ".")]
    if parts and "*" in parts[-1]:
        parts.pop()
    inside = posixpath.normpath(posixpath.join(base, *parts)) if parts else base
    known = set(tree.files) if place.endswith(".txt") else folders_of_photos(tree)
    inside = "" if inside == "." else inside
    if inside in known:
        return inside
    parts = [part for part in parts if part != ".."]
    says = any(map(_split, parts))
    for count in range(len(parts), 0, -1):
        tail = parts[-count:]
        if says and not any(map(_split, tail)):
            break
        if found := [one for one in known if one.split("/")[-count:] == tail]:
            return _nearest(found, base)
    if place.endswith(".txt"):
        return None
    called = [one for one in known if one and _split(one.rpartition("/")[2]) == split]
    called = called or [one for one in known if any(_split(part) == split for part in one.split("/"))]
    return _nearest(called, base) if called else None


def folders_of_photos(tree: Tree) -> set[str]:
    """All folders that hold photos, at whatever depth."""
    found: set[str] = set()
    for folder in {name.rpartition("/")[0] for name in tree.photos}:
        while folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found


def labelled(text: str) -> str:
    """What the lines of a label file are: `outlines`, `boxes`, or "" where they are none of YOLO's."""
    lines = [line for line in text.splitlines() if line.strip()][:LABEL_LINES]
    matches = [LABEL_LINE.fullmatch(line) for line in lines]
    if sum(map(bool, matches)) * 2 <= len(matches):  # a line or two that cannot be read are named by who reads them
        return ""
    counts = {len(match[1].split()) for match in matches if match}
    return "boxes" if counts == {4} else "outlines" if any(count >= 6 for count in counts) else ""


def _example(tree: Tree) -> tuple[str, str]:
    """A label file of a photo with what it holds: one of outlines before one of boxes, before any other."""
    stems = stems_of(tree.photos)
    found: dict[str, str] = {}
    for names in tree.folders.values():
        looked = 0
        for name in names:
            if not name.lower().endswith(".txt") or not stems_of([name]) & stems:
                continue
            text = tree.head(name, LABEL_FILE_BYTES)
            kind = labelled(text.rpartition("\n")[0] if len(text) == LABEL_FILE_BYTES else text)
            if kind == "outlines":
                return name, kind
            found.setdefault(kind, name)
            looked += bool(text.strip())
            if looked == MAX_YOLO_FILES:
                break
    kind = "boxes" if "boxes" in found else ""
    return found.get(kind, ""), kind


def stems_of(names: Iterable[str]) -> set[str]:
    """What files are called without their suffixes, and without what Label Studio puts before."""
    stems = {posixpath.splitext(posixpath.basename(name))[0] for name in names}
    return stems | {bare(stem) for stem in stems}


def _others(tree: Tree) -> bool:
    """Whether something else may say what the pixels are: other label files, or pictures of the same names."""
    described = [name for name in tree.ending(".json", ".xml") if not name.endswith(("notes.json", "package.json"))]
    bases = [name.rpartition("/")[2].rpartition(".")[0] for name in tree.photos]
    return bool(described) or len(set(bases)) < len(bases)


def usable(tree: Tree, found: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, dict[str, str]]]:
    """Descriptions with where their splits lie: those of which some lie there, or all where none does."""
    placed = []
    for name, data in found.items():
        base = posixpath.dirname(name)
        places = {key: find_place(tree, base, class_name_list(data[key])[0], key) for key in SPLIT_KEYS if key in data}
        placed.append((name, {key: place for key, place in places.items() if place is not None}))
    return [one for one in placed if one[1]] or placed


def preferred(described: list[tuple[str, dict[str, str]]]) -> Iterator[tuple[str, list[str]]]:
    """Of descriptions of the same folders the one of a usual name, with the others."""
    groups: dict[str, list[str]] = {}
    for name, places in described:
        groups.setdefault(places.get("train") or next(iter(places.values()), ""), []).append(name)
    for names in groups.values():
        order = sorted(
            names, key=lambda name: (posixpath.basename(name) not in DESCRIPTION_FILES, name.count("/"), name)
        )
        yield order[0], order[1:]


DESCRIPTION_FILES = ("data.yaml", "data.yml", "dataset.yaml", "obj.data")


def _split(part: str) -> str:
    return split_called(part.rstrip("0123456789"))


def _nearest(places: list[str], base: str) -> str:
    """The place that shares most folders with the description's, and lies least deep."""
    own = base.split("/") if base else []

    def far(place: str) -> tuple[int, int, str]:
        parts = place.split("/")
        shared = next((n for n, (one, other) in enumerate(zip(own, parts, strict=False)) if one != other), len(own))
        return -min(shared, len(parts)), len(parts), place

    return min(places, key=far)


def is_photo(name: str) -> bool:
    """Whether a name is that of a photo, by its suffix."""
    return posixpath.splitext(name.lower())[1] in PHOTO_SUFFIXES
