"""The `mask-tree` dataset: photos and masks in the folders that tools and people keep them in."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from recycle_coco import Tree, read_loose_text, resolve_file, split_called
from recycle_coco.mask_numbers import GRAY_16

from recycle_datasets import MaskTreeOptions
from recycle_datasets.folders import lines_of
from recycle_datasets.mask_labels import MaskLabels
from recycle_datasets.meanings import MaskMeanings, labels_of
from recycle_datasets.paired import PairedSource
from recycle_datasets.recognise.masks import recognise
from recycle_datasets.recognise.pairs import MASK_END, PAIR_SUFFIXES, stem_of
from recycle_datasets.splits import list_split
from recycle_datasets.survey import survey
from recycle_datasets.tables import Table, parse_table
from recycle_datasets.unusable import unusable
from recycle_datasets.values import OPTION
from recyclecli.types import IGNORE, DatasetContext, RecycleError, counted

log = logging.getLogger("recycle.datasets")

PHOTOS_WITHOUT_MASK, MASKS_WITHOUT_PHOTO, UNPAIRED = (
    "photos without a mask",
    "masks without a photo",
    "pictures in no pair of photo and mask",
)
PAIRS_REMEDY = (
    "put photos and masks into one folder, under the same names, or say where they lie: "
    "-o 'data.dataset.pairs={images/*: masks/*}'"
)


class MaskTree(PairedSource):
    """Photos with a mask each, found by patterns; numbers and colours of masks mean what the tables beside them say.

    Photos without a mask are left out and counted. Masks are looked at once before the first is read, so that all
    that cannot be used is named at once. A mask labels the photo as EXIF turns it, unless its size is that of the
    stored one alone.

    Args:
        options: where photos, masks and tables lie; by default as they are recognised.
        context: `split` is `train`, `val` or `test`, or a text file of names.

    Attributes:
        left_out: what the folders hold besides, to how many.

    Raises:
        RecycleError: no photo has a mask, or what nothing names. LabelFaults: masks that cannot be read, or are of
            another size than their photo.
    """

    def __init__(self, options: MaskTreeOptions, context: DatasetContext) -> None:
        root = context.root
        tree = Tree(root)
        if not options.pairs:
            options = _recognised(options, tree)
        self.left_out: Counter[str] = Counter()
        pairs = _paired(tree, options.pairs, self.left_out)
        splits = _listed(root, options.lists, [name for name, _ in pairs], self.left_out)
        splits = splits or _by_folders([name for name, _ in pairs])
        if context.split is not None:
            chosen = _chosen(root, context.split, [name for name, _ in pairs], splits)
            pairs, splits = [pairs[index] for index in chosen], {}
        faults = [(name, fault) for name, file in pairs if (fault := _link_fault(root, file))]
        files = [(name, root / file) for name, file in pairs]
        links = {name for name, _ in faults}
        seen = survey(root, [pair for pair in files if pair[0] not in links])
        faults += seen.faults
        if context.drop_unreadable and 0 < len(faults) < len(files):
            bad = {name for name, _ in faults}
            kept = [place for place, (name, _) in enumerate(files) if name not in bad]
            splits = {key: _moved(indices, kept) for key, indices in splits.items()}
            files = [files[place] for place in kept]
            self.left_out["photos that cannot be read, or their masks"] += len(bad)
        elif faults:
            raise unusable(root, faults, dict(files), context.drop_unreadable)
        if seen.jpegs:
            log.warning(
                f"note: {counted(seen.jpegs, 'mask')} in JPEG, black and white: of their pixels "
                f"{seen.between / seen.jpegs:.2%} lie between, along edges, and are taken for the nearer"
            )
        reads: MaskLabels = labels_of(root, _named(root, options, seen.present), seen, self.left_out)
        super().__init__(root, files, reads, splits, seen.sizes)


def _moved(indices: Sequence[int], kept: Sequence[int]) -> list[int]:
    """Places among all photos as places among those that are kept."""
    new = {place: number for number, place in enumerate(kept)}
    return [new[index] for index in indices if index in new]


def _recognised(options: MaskTreeOptions, tree: Tree) -> MaskTreeOptions:
    found = [one for one in recognise(tree) if not one.root]
    if not found:
        raise RecycleError(f"{tree.root} holds no photos with masks that are recognised", PAIRS_REMEDY)
    layout = min(found, key=lambda one: ("content", "description", "folders").index(one.evidence))
    given = {key: getattr(options, key) for key in options.model_fields_set}
    return MaskTreeOptions.model_validate({**layout.options, **given})


def _paired(tree: Tree, patterns: Mapping[str, str], left_out: Counter[str]) -> list[tuple[str, str]]:
    """Each photo with its mask, relative to the root."""
    files = sorted(tree.ending(*PAIR_SUFFIXES), key=lambda name: (_rank(name), name))
    masks: dict[str, str] = {}
    for name in files:
        masks.setdefault(stem_of(name), name)
    found: dict[str, str] = {}
    used: dict[str, str] = {}
    lone: dict[str, None] = {}
    for photos, pattern in patterns.items():
        for name in reversed(files):  # a JPEG before a PNG of its name
            key = _between(name, photos)
            if key is None or name in found:
                continue
            filled = pattern.replace("*", key, 1)
            mask = masks.get(filled) or masks.get(stem_of(filled))
            if mask is None or mask == name:
                lone[name] = None
            elif mask in used:
                left_out["pictures of one name with a photo, and not its mask"] += 1
            else:
                found[name], used[mask] = mask, name
    alone = [name for pattern in patterns.values() for name in files if _between(name, pattern) is not None]
    missing = [name for name in lone if name not in used and name not in found]
    spare = [name for name in dict.fromkeys(alone) if name not in used and name not in found]
    if found:
        stems = {stem_of(name) for name in found}
        missing = [name for name in missing if name not in spare and MASK_END.sub("", stem_of(name)) not in stems]
    if not found:
        raise _nothing(tree, patterns, missing, spare)
    left_out.update({PHOTOS_WITHOUT_MASK: len(missing)} if missing else {})
    left_out.update({MASKS_WITHOUT_PHOTO: len(spare)} if spare else {})
    known = {*found, *used, *missing, *spare}
    others = sum(name not in known for name in files)
    left_out.update({UNPAIRED: others} if others else {})
    return sorted(found.items())


def _nothing(tree: Tree, patterns: Mapping[str, str], photos: Sequence[str], masks: Sequence[str]) -> RecycleError:
    """Why no photo has a mask."""
    where = ", ".join(f"{photo}: {mask}" for photo, mask in patterns.items())
    links = [place for pattern in patterns.values() for place in _links(tree.root / pattern) if place.is_symlink()]
    if links:
        target = links[0].readlink()
        return RecycleError(
            f"{counted(len(links), 'mask')} only linked, to files that are missing: {links[0]} leads to {target}",
            "fetch the files that they lead to, and copy them in the place of the links: cp -rL",
        )
    if masks and not photos:
        return RecycleError(
            f"{tree.root} holds {counted(len(masks), 'mask')}, as {masks[0]!r}, and no photo of theirs "
            f"(looked for: {where})",
            "put the photos beside them, under the same names; tools often export masks alone",
        )
    names = f"its photos are called {', '.join(map(repr, photos[:2]))}, its masks {', '.join(map(repr, masks[:2]))}"
    return RecycleError(f"no photo in {tree.root} has a mask of its name ({where}): {names}", PAIRS_REMEDY)


def _links(pattern: Path) -> Iterator[Path]:
    return pattern.parent.glob("*") if pattern.parent.is_dir() else iter(())


def _link_fault(root: Path, name: str) -> str:
    """What is said of a mask that is a link out of the root; "" for others."""
    file = resolve_file(root, name)
    if file.is_symlink() and not file.resolve().is_relative_to(root.resolve()):
        return f"its mask {file} is a link to {file.readlink()}, outside of the folder"
    return ""


def _rank(name: str) -> int:
    """Which of several files of one name is the mask."""
    order = (".png", ".tif", ".tiff", ".bmp", ".gif", ".webp")
    suffix = PurePosixPath(name).suffix.lower()
    return order.index(suffix) if suffix in order else len(order)


def _between(name: str, pattern: str) -> str | None:
    """What * stands for where a pattern is the name of a file, with or without its suffix; None where it is not."""
    before, _, after = pattern.partition("*")
    for text in (stem_of(name), name):
        if text.startswith(before) and text.endswith(after) and len(text) >= len(before) + len(after):
            return text[len(before) : len(text) - len(after)]
    return None


def _named(root: Path, options: MaskTreeOptions, present: Sequence[int]) -> MaskMeanings:
    """What options and tables say; the first table of colours, and the first of numbers, count."""
    tables: list[tuple[str, Table]] = []
    for name in options.tables:
        table = parse_table(name, read_loose_text(resolve_file(root, name)))
        if table is None:
            raise RecycleError(
                f"{root / name} is no table of names with numbers or colours", "correct it, as name,r,g,b"
            )
        tables.append((name, table))
        _compare(root, tables)
    numbers = next((table.numbers for _, table in tables if table.numbers), {})
    colors = next((table.colors for _, table in tables if table.colors), ())
    where: object = ", ".join(name for name, _ in tables)
    if options.colors is not None:
        colors, where = tuple(options.colors.items()), "option colors"
    if options.classes is not None:
        numbers, where = dict(enumerate(options.classes)), "option classes"
    if options.values is not None:
        wide = max(options.values, default=0) > IGNORE and not any(value % GRAY_16 for value in options.values)
        depth = GRAY_16 if wide else 1
        numbers, where = {value // depth: name for value, name in options.values.items()}, OPTION
    if options.reduce_zero_label:
        own = {value: name for value, name in numbers.items() if value}
        own = {value + 1: name for value, name in numbers.items()} if 0 in numbers else own
        numbers = {0: "ignore", **(own or {value: f"class-{value}" for value in present if 0 < value < 255})}
    if options.classes is not None or options.values is not None:
        colors = colors if options.colors is not None else ()
    return MaskMeanings(numbers, colors, where, options.foreground)


def _compare(root: Path, tables: Sequence[tuple[str, Table]]) -> None:
    """Refuse tables of one name, as each split has its own, that say different things."""
    name, last = tables[-1]
    for other, table in tables[:-1]:
        if PurePosixPath(other).name != PurePosixPath(name).name:
            continue
        for number in sorted({*last.numbers, *table.numbers}):
            if last.numbers.get(number) != table.numbers.get(number):
                mine, theirs = last.numbers.get(number, "nothing"), table.numbers.get(number, "nothing")
                raise RecycleError(
                    f"{root / name} names {number} {mine}, and {root / other} {theirs}",
                    f"keep the one that is right: -o 'data.dataset.tables=[{other}]'",
                )


def _by_folders(names: Sequence[str]) -> dict[str, list[int]]:
    """The splits that folders are called after."""
    splits: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        if split := split_of(PurePosixPath(name).parts[:-1]):
            splits.setdefault(split, []).append(index)
    return splits


def split_of(parts: Sequence[str]) -> str:
    """The split that the innermost folder names, also as one of its words (`train_images`); "" for none."""
    for part in reversed(parts):
        words = part.replace("-", "_").replace(" ", "_").split("_")
        found = {split for word in (part, *words) if (split := split_called(word))}
        if len(found) == 1:
            return found.pop()
    return ""


def _listed(root: Path, lists: Sequence[str], names: Sequence[str], left_out: Counter[str]) -> dict[str, list[int]]:
    """The splits that text files name; where none is for training, the rest is, or what `trainval` has besides."""
    splits: dict[str, list[int]] = {}
    both: list[int] = []
    places = _places(names)
    for name in lists:
        found = _indices(root / name, places, left_out)
        if (split := list_split(PurePosixPath(name).stem)) == "trainval":
            both = found
        elif split:
            splits.setdefault(split, found)
    if "train" not in splits and (splits or both):
        others = {index for indices in splits.values() for index in indices}
        rest = both or [index for index in range(len(names)) if index not in others]
        splits["train"] = [index for index in rest if index not in splits.get("val", ())]
    judged: set[int] = set()
    for split in ("test", "val", "train"):
        again = [index for index in splits.get(split, ()) if index in judged]
        splits[split] = [index for index in splits.get(split, ()) if index not in judged]
        judged.update(splits[split])
        if again:
            log.warning(
                f"note: {counted(len(again), 'photo')} of {split} also named for testing or validation, and taken "
                f"for that, as {names[again[0]]}"
            )
    return {split: splits[split] for split in ("train", "val", "test") if splits[split]}


def _places(names: Sequence[str]) -> dict[str, int]:
    """Every ending of the photos' names, without suffix, to the photo; -1 where several end so."""
    places: dict[str, int] = {}
    for index, name in enumerate(names):
        parts = stem_of(name).split("/")
        for count in range(1, len(parts) + 1):
            ending = "/".join(parts[-count:])
            places[ending] = -1 if ending in places else index
    return places


def _indices(file: Path, places: Mapping[str, int], left_out: Counter[str]) -> list[int]:
    """The photos that a list names: a name, or a path, alone or before that of its mask."""
    found: dict[int, None] = {}
    for line in lines_of(file):
        for text in (line, *line.split('"')[1:2], *line.split()[:1], *line.split(",")[:1]):
            index = _place(text, places)
            if index >= 0:
                found[index] = None
                break
        else:
            left_out[f"names in {file.name} that are no labelled photo"] += 1
    return list(found)


def _place(text: str, places: Mapping[str, int]) -> int:
    plain = text.strip().strip('"').replace("\\", "/")
    parts = (stem_of(plain) if plain.lower().endswith(PAIR_SUFFIXES) else plain).split("/")
    return next((places[end] for k in range(len(parts)) if (end := "/".join(parts[k:])) in places), -1)


def _chosen(root: Path, split: str, names: Sequence[str], splits: Mapping[str, Sequence[int]]) -> Sequence[int]:
    if split in splits:
        return splits[split]
    for place in (Path(split), root / split):
        if place.is_file():
            return _indices(place, _places(names), Counter())
    raise RecycleError(
        f"{root} has no split {split!r}; its splits: {', '.join(splits) or 'none'}", "name one of them, or a text file"
    )
