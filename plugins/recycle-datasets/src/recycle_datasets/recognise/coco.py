"""COCO files of whatever exporter, by their content."""

from __future__ import annotations

import filecmp
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import Any

from recycle_coco import Tree

from recycle_datasets.recognise.places import PhotoFinder, split_of
from recyclecli.types import Evidence, Layout

TAIL_BYTES = 2**16  # bytes of a file's end that are looked at
MAX_SET_FILES = 40  # JSON files of a folder: with more they are of single photos
PROBED_PHOTOS = 500  # photos of a file that are looked for
SURE = re.compile(r"instances|annotations|coco", re.IGNORECASE)
COCO_FILE_NAMES = (
    re.compile(r"_annotations\.coco\.json"),
    re.compile(r"(annotations|instances|instances_default|labels|coco|result|annotations_coco|coco_annotations)\.json"),
    re.compile(r"instances_.*\.json"),
    re.compile(r".*(coco|annotations|instances).*\.json"),
)
"""Usual names of COCO files, the commonest first."""
OUTLINE = re.compile(r'"segmentation"\s*:\s*(?:\[\s*[\[\d{-]|\{)')
OBJECT = re.compile(r'"(?:image_id|category_id)"\s*:')
ORDER = ("train", "val", "test", "")


@dataclass(frozen=True, slots=True)
class CocoProbe:
    """A COCO file as far as its beginning and its end tell.

    Attributes:
        file: its name in the tree.
        kind: `instances`, or what it holds in their place.
        split: as its name or folder says.
        photos: that it names first, as far as they are there; their own names for others.
        there: those that are.
        categories: names by id, as far as they are seen.
        outlines: whether an annotation has an outline; None where no annotation is seen.
        maker: layout of the exporter.
    """

    file: str
    kind: str
    split: str
    photos: frozenset[str]
    there: frozenset[str]
    categories: frozenset[tuple[Any, Any]]
    outlines: bool | None
    maker: str


def recognise(tree: Tree) -> Iterator[Layout]:
    """COCO files as one layout where they are parts of one set, and each where they label the same photos otherwise.

    Files of captions, keypoints or panoptic segments, files without annotations, and copies are passed over.
    """
    places = PhotoFinder(tree.photos)
    found = [one for name in _jsons(tree) if (one := _look(tree, name, places))]
    yield from _singles(tree)
    instances = [one for one in found if one.kind == "instances"]
    instances = instances or [one for one in found if one.kind == "keypoints"]
    there = [one for one in instances if one.there] or instances
    chosen, rivals, passed = _chosen(tree, there)
    if not chosen and not rivals:
        return
    passed = [
        *passed,
        *(f"{one.file} (of photos that are not there)" for one in instances if one not in there),
        *(f"{one.file} ({one.kind})" for one in found if one not in instances),
    ]
    for group in _sets(chosen):
        yield _layout(group, passed)
    for one in rivals:
        yield _layout([one], passed)


def taco(tree: Tree) -> Iterator[Layout]:
    """TACO's own annotations, for those who want its categories as materials."""
    for name in tree.named("annotations.json"):
        content = tree.glimpse(name)
        if isinstance(content, dict) and "scene_annotations" in content | dict.fromkeys(_keys(tree, name)):
            folder = name.rpartition("/")[0]
            why = f"{name} is TACO's, and its categories are mapped to ten materials"
            yield Layout("taco", why, "description", root=folder, options={"files": ("annotations.json",)})


def _keys(tree: Tree, name: str) -> list[str]:
    return re.findall(r'"(scene_annotations|scene_categories)"', tree.head(name) + _tail(tree, name))


def _jsons(tree: Tree) -> Iterator[str]:
    """JSON files that may hold a set: all of a folder with few of them, of others those that are called so."""
    ending = tree.ending(".json")
    for _, names in groupby(sorted(ending, key=lambda name: name.rpartition("/")[0]), lambda n: n.rpartition("/")[0]):
        inside = list(names)
        if len(inside) > MAX_SET_FILES and not all("images" in _dict(tree.glimpse(one)) for one in inside[:3]):
            inside = [one for one in inside if SURE.search(one.rpartition("/")[2])]
        yield from inside


def _look(tree: Tree, name: str, places: PhotoFinder) -> CocoProbe | None:
    """What a JSON file holds, if it is COCO."""
    content = tree.glimpse(name)
    if not isinstance(content, dict):
        return None
    images, annotations, categories = (_dicts(content.get(key)) for key in ("images", "annotations", "categories"))
    tail = _tail(tree, name)
    imaged = any({"file_name", "coco_url"} & one.keys() for one in images[:1])
    related = any("image_id" in one for one in annotations[:1])
    named = any({"id", "name"} <= one.keys() for one in categories[:1]) and OBJECT.search(tail)
    if not (imaged or related or named) or (imaged and not images[0].keys() & {"id", "width"}):
        return None
    names = [str(own) for one in images[:PROBED_PHOTOS] if (own := one.get("file_name") or one.get("coco_url"))]
    placed = places.find(names, name).found
    outlines: bool | None = None
    if annotations or OBJECT.search(tail):
        seen = any(one.get("segmentation") not in (None, [], [[]]) for one in annotations)
        outlines = seen or bool(OUTLINE.search(tail))
    return CocoProbe(
        name,
        _kind(name, content, annotations, categories, tail),
        split_of(name),
        frozenset(placed.get(one, one) for one in names),
        frozenset(placed.values()),
        frozenset((str(one.get("id")), str(one.get("name"))) for one in categories),
        outlines,
        _maker(name, content),
    )


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _kind(
    file: str,
    content: Mapping[str, Any],
    annotations: Sequence[Mapping[str, Any]],
    categories: Sequence[Mapping[str, Any]],
    tail: str,
) -> str:
    """What a COCO file holds."""
    if any("segments_info" in one for one in annotations[:1]) or '"segments_info"' in tail:
        return "panoptic segments"
    if any("caption" in one for one in annotations[:1]) or '"caption"' in tail:
        return "captions"
    if any("keypoints" in one for one in (*annotations[:1], *categories[:1])) or "person_keypoints" in file:
        return "keypoints"
    if "annotations" not in content and not OBJECT.search(tail) and '"annotations"' not in tail:
        return "photos without annotations"
    return "instances"


def _maker(name: str, content: Mapping[str, Any]) -> str:
    """The layout of the tool that wrote a file."""
    base = name.rpartition("/")[2].lower()
    info = content.get("info")
    said = " ".join(str(value) for value in info.values()).lower() if isinstance(info, dict) else ""
    if base == "_annotations.coco.json" or "roboflow" in said:
        return "roboflow-coco"
    if "label studio" in said:
        return "label-studio-coco"
    licenses = _dicts(content.get("licenses"))
    if base.startswith("instances_") and licenses and not licenses[0].get("name") and licenses[0].get("id") == 0:
        return "cvat-coco"
    return "coco"


def _tail(tree: Tree, name: str) -> str:
    """The end of a file that is longer than its head; "" for others."""
    try:
        file = tree.root / name
        size = file.stat().st_size
        with file.open("rb") as handle:
            handle.seek(max(0, size - TAIL_BYTES))
            return handle.read(TAIL_BYTES).replace(b"\0", b"").decode("utf-8", "replace") if size > TAIL_BYTES else ""
    except OSError:
        return ""


def _chosen(tree: Tree, found: Sequence[CocoProbe]) -> tuple[list[CocoProbe], list[CocoProbe], list[str]]:
    """The files to read; those that label the same photos, none of them before the others; and what is passed over."""
    passed: list[str] = []
    kept: list[CocoProbe] = []
    for one in sorted(found, key=lambda one: (_rank(one), one.file.count("/"), one.file)):
        same = next(
            (other for other in kept if other.photos == one.photos and _equal(tree, one.file, other.file)), None
        )
        if same is None:
            kept.append(one)
        else:
            passed.append(f"{one.file} (a copy of {same.file})")
    parts = [one for one in kept if one.split]
    wholes = [one for one in kept if not one.split and any(_overlap(one, part) for part in parts)]
    again = any(first.split == second.split and _overlap(first, second) for first, second in combinations(parts, 2))
    if wholes and again:  # folds
        kept = [one for one in kept if one not in parts]
        passed += [f"{one.file} (of photos of {wholes[0].file})" for one in parts]
    elif {"train"} < {one.split for one in parts}:
        kept = [one for one in kept if one not in wholes]
        passed += [f"{one.file} (of the same photos, without splits)" for one in wholes]
    chosen: list[CocoProbe] = []
    rivals: dict[str, CocoProbe] = {}
    for one in kept:  # the most usual name first
        others = [other for other in chosen if one.split == other.split and _overlap(one, other)]
        better = [other for other in others if _rank(other) < _rank(one)]
        if better:
            passed.append(f"{one.file} (of the same photos as {better[0].file})")
        elif others:
            rivals |= {other.file: other for other in (*others, one)}
        else:
            chosen.append(one)
    return [one for one in chosen if one.file not in rivals], [*rivals.values()], passed


def _rank(found: CocoProbe) -> tuple[bool, int]:
    """Which of several files of the same photos is taken: one with outlines, one of a usual name."""
    base = found.file.rpartition("/")[2].lower()
    place = next((number for number, name in enumerate(COCO_FILE_NAMES) if name.fullmatch(base)), len(COCO_FILE_NAMES))
    return found.outlines is False, place


def _overlap(first: CocoProbe, second: CocoProbe) -> bool:
    """Whether two files label the same photos, as far as their beginnings tell."""
    if not first.photos or not second.photos:
        return first.file.rpartition("/")[0] == second.file.rpartition("/")[0]
    return bool(first.photos & second.photos)


def _equal(tree: Tree, first: str, second: str) -> bool:
    try:
        return filecmp.cmp(tree.root / first, tree.root / second, shallow=False)
    except OSError:
        return False


def _sets(found: Sequence[CocoProbe]) -> list[list[CocoProbe]]:
    """The files by set: those of one folder, of splits, or of the same categories are parts of one."""
    sets: list[list[CocoProbe]] = []
    for one in found:
        for others in sets:
            other = others[0]
            folders = {one.file.rpartition("/")[0], other.file.rpartition("/")[0]}
            if len(folders) == 1 or (one.split and other.split) or _agree(one, other):
                others.append(one)
                break
        else:
            sets.append([one])
    return sets


def _agree(first: CocoProbe, second: CocoProbe) -> bool:
    return not first.categories or not second.categories or first.categories == second.categories


def _layout(found: Sequence[CocoProbe], passed: Sequence[str]) -> Layout:
    """A set as a layout."""
    ordered = sorted(found, key=lambda one: (ORDER.index(one.split), one.file))
    first = ordered[0]
    folders = {place.rpartition("/")[0] for one in found for place in (one.file, *one.there)}
    root = os.path.commonpath(folders) if "" not in folders and all(one.there for one in found) else ""
    while split_of(f"{root}/_"):  # the folder's name is wanted
        root = root.rpartition("/")[0]
    files = tuple(one.file.removeprefix(f"{root}/" if root else "") for one in ordered)
    more = f", as do {len(files) - 1} more files" if len(files) > 2 else f", as does {files[1]}" if files[1:] else ""
    what = "COCO annotations" + (" without outlines" if all(one.outlines is False for one in found) else "")
    aside = f"; passed over: {', '.join(passed[:4])}{' ...' if len(passed) > 4 else ''}" if passed else ""
    evidence: Evidence = "folders" if all(one.outlines is False for one in found) else "content"
    return Layout(first.maker, f"{first.file} holds {what}{more}{aside}", evidence, root, {"files": files})


def _singles(tree: Tree) -> Iterator[Layout]:
    """Folders with a JSON of masks for each photo, as Segment Anything's own set has them."""
    folders = dict.fromkeys(name.rpartition("/")[0] for name, content in tree.jsons() if is_single(content))
    if folders:
        first = next(name for name, content in tree.jsons() if is_single(content))
        files = tuple(f"{folder}/" if folder else "./" for folder in folders)
        yield Layout("segment-anything", f"{first} holds the masks of one photo", "content", options={"files": files})


def is_single(content: Any) -> bool:
    """Whether JSON is of one photo, with masks that have no class."""
    if not isinstance(content, dict) or not isinstance(content.get("image"), dict):
        return False
    annotations = _dicts(content.get("annotations"))
    return "file_name" in content["image"] and all("segmentation" in one for one in annotations)
