"""Photos with masks, by their folders, their names and the tables beside them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from recycle_coco import Tree, is_hidden, split_called
from recycle_coco.paths import walk

from recycle_datasets.recognise.class_masks import find_masks
from recycle_datasets.recognise.folder_names import looks_masked, words_of
from recycle_datasets.recognise.known import ADE20K, CITYSCAPES, VOC
from recycle_datasets.recognise.pairs import (
    PAIR_SUFFIXES,
    Pairing,
    compressed,
    find_pairs,
    pattern_of,
    twins,
)
from recycle_datasets.splits import list_split
from recycle_datasets.tables import CLASS_LIST_STEMS, Table, may_name, parse_table
from recyclecli.types import Evidence, Layout

MAX_TABLES_PER_FOLDER = 12  # tables of a folder that are looked into
VOC_NAME = re.compile(r"(19|20)\d\d_\d{6}")
VOC_MASK_FOLDER = "SegmentationClass"
PLAIN_FOLDER_NAMES = frozenset(
    ("images", "image", "img", "dir", "png", "binary", "all", "data", "new", "original", "gray", "grey")
)


def recognise(tree: Tree) -> Iterator[Layout]:
    """The photos and masks of a tree as one layout, and as a second where ADE20K's folders may be mmsegmentation's."""
    if find_masks(tree):
        return  # of one class each
    names = tree.ending(*PAIR_SUFFIXES)
    if not names and not (links := _links(tree.root)):
        return
    tables = _tables(tree)
    pairings = find_pairs(tree.root, names) or twins(tree.root, names)
    if not pairings:
        links = _links(tree.root)
        pairings = find_pairs(tree.root, [*names, *links]) if links else []
    if not pairings:
        yield from _alone(tree, tables)
        return
    for name, why, evidence, options in _layouts(tree, pairings, tables):
        others = list(dict.fromkeys(other for one in pairings for other in one.others))
        taken = ", ".join(dict.fromkeys(pattern_of(one.masks, one.mask_affix) for one in pairings[:2]))
        also = f"; of several masks of a photo {taken} are taken, not {', '.join(others[:3])}" if others else ""
        yield Layout(name, why + also, evidence, options=options)


def _layouts(
    tree: Tree, pairings: Sequence[Pairing], tables: Mapping[str, Table]
) -> Iterator[tuple[str, str, Evidence, dict[str, Any]]]:
    """What the pairs may be: name, why, evidence and options."""
    pairs = compressed(pairings)
    first, second = next(iter(pairs.items()))
    shown = f"{first}.* has a mask {second}.*"
    lists = _lists(tree, pairings)
    near = _near(tables, pairings)
    numbers = [name for name in near if tables[name].numbers]
    colors = [name for name in near if tables[name].colors]
    options: dict[str, Any] = {"pairs": pairs}
    options |= {"lists": lists} if lists else {}
    options |= {"tables": (*numbers, *colors)} if near else {}
    if foreground := _foreground(pairings):
        options["foreground"] = foreground
    affixes = {text.lower() for one in pairings for text in (*one.mask_affix, *one.photo_affix)}
    if any("gtfine_" in text or "gtcoarse_" in text or "leftimg8bit" in text for text in affixes):
        known = {"tables": tuple(colors)} if colors else _cityscapes(affixes)  # CVAT names classes of its own
        yield "cityscapes", shown, "description", {"pairs": pairs, **known, **_listed(lists)}
        return
    folders = {PurePosixPath(one.masks).parts for one in pairings}
    voc = any(part.startswith(VOC_MASK_FOLDER) for parts in folders for part in parts)
    by_name = {PurePosixPath(name).name.lower(): name for name in near}
    if "_classes.csv" in by_name and all(one.photos == one.masks for one in pairings):
        own = [name for name in numbers if PurePosixPath(name).name.lower() == "_classes.csv"]
        why = f"{own[0]} names the numbers of {second}.*" if own else shown
        yield "roboflow-masks", why, "description", {**options, "tables": tuple(own)}
    elif "obj_class_to_machine_color.json" in by_name and any("machine" in "/".join(parts) for parts in folders):
        name = by_name["obj_class_to_machine_color.json"]
        yield (
            "supervisely-masks",
            f"{name} names the numbers of {second}.*",
            "description",
            {**options, "tables": (name,)},
        )
    elif voc and any(tables[name].colors and name.lower().endswith("labelmap.txt") for name in near):
        yield "cvat-masks", f"{colors[0]} names the colours of {second}.*", "description", options
    elif voc:
        if not near and _are_voc(tree, pairings):
            options["classes"] = VOC
        told = lists or near
        named = f", and {told[0]} names them" if told else ""
        if "classes" in options:
            named += (
                "; nothing names the classes, and the photos are called as those of VOC, whose 20 they are taken for"
            )
        yield (
            "voc",
            f"{shown}{named}",
            "description" if told else "folders",
            options,
        )
    else:
        yield from _of_folders(tree, pairings, options, near, colors, shown)


def _of_folders(
    tree: Tree,
    pairings: Sequence[Pairing],
    options: dict[str, Any],
    near: Sequence[str],
    colors: Sequence[str],
    shown: str,
) -> Iterator[tuple[str, str, Evidence, dict[str, Any]]]:
    """ADE20K, mmsegmentation, masks of colours, and folders that no tool makes."""
    info = [name for name in near if PurePosixPath(name).name.lower().startswith("objectinfo150")]
    folders = [(PurePosixPath(one.photos).parts, PurePosixPath(one.masks).parts) for one in pairings]
    mmseg = any(_are_mmseg(*two) for two in folders)
    ade = any("images" in one and "annotations" in two and {"training", "validation"} & {*one} for one, two in folders)
    named = {**options, "tables": tuple(info)} if info else {**options, "classes": ("other", *ADE20K)}
    if info or any(PurePosixPath(name).name.startswith("ADE_") for name in tree.photos):
        why = f"{info[0]} names the numbers of its masks" if info else f"{shown}, and photos are called ADE_..."
        yield "ade20k", why, "description", named
        if mmseg:
            yield "mmseg", shown, "folders", {**options, "reduce_zero_label": True}
    elif mmseg and not colors:
        yield "mmseg", f"{shown}{f', and {near[0]} names classes' if near else ''}", _sure(near), options
        if ade and not near:
            yield "ade20k", f"{shown}, as in ADE20K", "folders", named
    elif colors:
        yield "rgb-masks", f"{shown}, and {colors[0]} names colours", "description", options
    else:
        yield "mask-folder", f"{shown}{f', and {near[0]} names classes' if near else ''}", _sure(near), options


def _sure(near: Sequence[str]) -> Evidence:
    return "description" if near else "folders"


def _are_mmseg(photos: Sequence[str], masks: Sequence[str]) -> bool:
    """img_dir and ann_dir, or images and annotations with folders of splits in both."""
    if any(one == "img_dir" for one in photos) and any(one == "ann_dir" for one in masks):
        return True
    split = any(split_called(part) for part in photos) and any(split_called(part) for part in masks)
    return split and "images" in photos and "annotations" in masks


def _are_voc(tree: Tree, pairings: Sequence[Pairing]) -> bool:
    """Whether photos are called as in VOC itself."""
    stems = [PurePosixPath(name).stem for one in pairings for name in tree.folders.get(one.photos, ())]
    return bool(stems) and all(VOC_NAME.fullmatch(stem) for stem in stems)


def _cityscapes(affixes: set[str]) -> dict[str, Any]:
    """The 19 classes that count, by the kind of masks; all else is ignored."""
    names = [name for name, _ in CITYSCAPES.values()]
    if any(text.endswith("color") for text in affixes):
        return {"colors": {"ignore": (0, 0, 0), **dict(CITYSCAPES.values())}}
    if any(text.endswith("trainids") for text in affixes):
        return {"values": dict(enumerate(names)) | dict.fromkeys(range(len(names), 256), "ignore")}
    rest = {value: "ignore" for value in range(256) if value not in CITYSCAPES}
    return {"values": {value: name for value, (name, _) in CITYSCAPES.items()} | rest}


def _listed(lists: Sequence[str]) -> dict[str, Any]:
    return {"lists": tuple(lists)} if lists else {}


def _foreground(pairings: Sequence[Pairing]) -> str:
    """What the folder of the masks is called after besides; "" for nothing."""
    folder = PurePosixPath(pairings[0].masks).name
    if not looks_masked([folder]) or len({PurePosixPath(one.masks).name for one in pairings}) > 1:
        return ""
    words = [word for word in words_of(folder) if not looks_masked([word]) and not split_called(word)]
    usual = {
        "images",
        "image",
        "img",
        "dir",
        "png",
        "binary",
        "all",
        "data",
        "new",
        "original",
        "gray",
        "grey",
        "human",
    }
    return "-".join(words) if words and not usual & {*words} and all(map(str.isalpha, words)) else ""


def _tables(tree: Tree) -> dict[str, Table]:
    """The tables of names in a tree, those that are likelier first."""
    found = {}
    for names in tree.folders.values():
        for name in [one for one in names if may_name(PurePosixPath(one).name)][:MAX_TABLES_PER_FOLDER]:
            table = parse_table(PurePosixPath(name).name, tree.head(name))
            if table is not None:
                found[name] = table
    return dict(sorted(found.items(), key=lambda item: (_rank(item[0]), item[0].count("/"), item[0])))


def _rank(name: str) -> int:
    path = PurePosixPath(name.lower())
    usual = ("_classes.csv", "labelmap.txt", "class_dict.csv", "obj_class_to_machine_color.json", "objectinfo150.txt")
    if path.name in usual:
        return usual.index(path.name)
    return len(usual) + (CLASS_LIST_STEMS.index(path.stem) if path.stem in CLASS_LIST_STEMS else len(CLASS_LIST_STEMS))


def _near(tables: Mapping[str, Table], pairings: Sequence[Pairing]) -> list[str]:
    """The tables in the folders of the pairs and above them, those that are likelier first."""
    above = {""}
    for one in pairings:
        for folder in (one.photos, one.masks):
            above |= {folder, *(parent.as_posix() for parent in PurePosixPath(folder).parents)}
    return [name for name in tables if (name.rpartition("/")[0] or "") in above or _beside(name, above)]


def _beside(name: str, above: set[str]) -> bool:
    """Whether a table lies in a folder of its own beside those of the pairs, as `meta/classes.txt`."""
    folder = PurePosixPath(name).parent
    return folder.parent.as_posix() in above | {"."} and words_of(folder.name)[:1] in (
        ("meta",),
        ("docs",),
        ("config",),
        ("classes",),  # SuperAnnotate's
    )


def _lists(tree: Tree, pairings: Sequence[Pairing]) -> tuple[str, ...]:
    """Text files that name the photos of a split: in ImageSets/Segmentation, else wherever they name photos."""
    stems = {PurePosixPath(name).stem for one in pairings for name in tree.folders.get(one.photos, ())}
    for one in pairings:
        if not tree.folders.get(one.photos):
            stems |= {PurePosixPath(name).stem for name in tree.photos if name.startswith(one.photos)}
    found = []
    for name in tree.ending(".txt", ".lst"):
        if list_split(PurePosixPath(name).stem) and _names_photos(tree.head(name), stems):
            found.append(name)
    for folder in ("imagesets/segmentation/", "imagesets/"):
        own = [name for name in found if folder in name.lower() and not _is_of_boxes(name)]
        if own:
            return tuple(own)
    return tuple(name for name in found if not _is_of_boxes(name))


def _is_of_boxes(name: str) -> bool:
    return bool({"main", "layout", "action"} & {part.lower() for part in PurePosixPath(name).parts[:-1]})


def _names_photos(text: str, stems: set[str]) -> bool:
    """Whether one of the first lines names a photo."""
    for line in text.split("\n")[:50]:
        for part in (line, line.split('"')[1] if line.count('"') > 1 else "", *line.replace(",", " ").split()[:1]):
            base = part.strip().replace("\\", "/").rpartition("/")[2]
            if base and (base in stems or PurePosixPath(base).stem in stems):
                return True
    return False


def _links(root: Path) -> list[str]:
    """Links that lead nowhere, called like masks or photos."""
    found = []
    for folder, folders, names in walk(root):
        folders[:] = [name for name in folders if not is_hidden(name)]
        for name in names:
            place = folder / name
            if name.lower().endswith(PAIR_SUFFIXES) and place.is_symlink() and not place.exists():
                found.append(place.relative_to(root).as_posix())
    return sorted(found)


def _alone(tree: Tree, tables: Mapping[str, Table]) -> Iterator[Layout]:
    """Masks whose photos are not there, so that reading them says it."""
    folders = [folder for folder in tree.folders if PurePosixPath(folder).name.startswith(VOC_MASK_FOLDER)]
    masks = [folder for folder in folders if any(name.lower().endswith(".png") for name in tree.folders[folder])]
    if masks:
        parent = PurePosixPath(masks[0]).parent.as_posix()
        prefix = "" if parent == "." else f"{parent}/"
        maps = [name for name in tables if name.lower().endswith("labelmap.txt")]
        options = {"pairs": {f"{prefix}JPEGImages/*": f"{masks[0]}/*"}, "tables": tuple(maps)}
        yield Layout("cvat-masks" if maps else "voc", f"{masks[0]} holds masks", _sure(maps), options=options)
        return
    for name in tables:
        if PurePosixPath(name).name.lower() == "_classes.csv":
            folder = name.rpartition("/")[0]
            pairs = {pattern_of(folder, ("", "")): pattern_of(folder, ("", "_mask"))}
            if any("_mask." in one for one in tree.folders.get(folder, ())):
                yield Layout(
                    "roboflow-masks", f"{name} names numbers of masks", "description", options={"pairs": pairs}
                )
                return
