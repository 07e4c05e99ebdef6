"""What a run trains on and what it is judged on: one rule, and no leak between the two."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recycle_coco import split_called
from recycle_coco.paths import SPLIT_FILES, TRAIN_FILE

from recycle_data.folds import FOLDS_FILE, read_fold
from recycle_data.foreground import refuse_nothing
from recycle_data.named_splits import named_splits
from recycle_data.resolve import moved_data
from recycle_data.sources import Joined, Subset, annotation_places, open_source, regrouped, relabelled
from recycle_data.split_faults import refuse_missing, refuse_split_leakage, refuse_test_photos
from recyclecli.errors import RecycleError, counted, join_limited
from recyclecli.home import named_data
from recyclecli.plugins import Registry
from recyclecli.recipe import DataFile, DataSection
from recyclecli.types import Source

PAIR = "train.json with val.json"  # how a split by these is called
MOVED_ROOTS: dict[Path, Path] = {}  # folders of earlier runs to where their data was found


@dataclass(frozen=True, slots=True)
class Split:
    """A training and a validation source of one class list.

    Attributes:
        train, val: the two sources.
        weights: per training photo, how often it is drawn in an epoch.
        how: one line that says where the split comes from.
        data: the section that gives this split again, whatever files appear later.
    """

    train: Source
    val: Source
    weights: tuple[float, ...]
    how: str
    data: DataSection


def make_split(registry: Registry, data: DataSection, seed: int) -> Split:
    """Explicit files, fold K, train.json with val.json, fold 0, the data's own split, or a seeded part: the first.

    Test photos that the data names are on neither side.

    Where the folder of an earlier run is gone, its data is looked for in $RECYCLE_DATA.

    Raises:
        RecycleError: the data cannot be read, a photo is on both sides, or an augmented
            training photo was made from a validation photo.
    """
    data = found_again(data)
    root = data.root.absolute()
    found = annotation_places(root, data.json_path)
    json_path = str(found[0].absolute()) if found else data.json_path
    data = data.model_copy(
        update={
            "root": root,
            "json_path": json_path,
            "train": _absolute(data.train, root),
            "val": _absolute(data.val, root),
        }
    )
    split = _files_split(registry, data) or _named_or_stored(registry, data, seed)
    for what, source in (("training", split.train), ("validation", split.val)):
        if not len(source):
            raise RecycleError(f"no {what} photo: {split.how}", "choose another fold, or make fewer folds")
    refuse_missing(split.train, split.val, split.data)
    refuse_split_leakage(split.train, split.val)
    refuse_nothing(split.train, "training photo")
    refuse_nothing(split.val, "validation photo", validation=True)
    fingerprint = _fingerprint(split)
    if data.fingerprint not in (None, fingerprint):
        raise RecycleError(
            f"the data in {data.root} is not what the recipe was made with",
            "name the folder that it lies in now with --data, or restore it; to train on what is there, "
            "remove data.fingerprint from a copy of the recipe and begin a new run with --recipe",
        )
    final = split.data.model_copy(update={"fingerprint": fingerprint})
    return Split(split.train, split.val, split.weights, split.how, final)


def found_again(data: DataSection) -> DataSection:
    """The section of an earlier run whose folder is gone, in the one where it was found, or in $RECYCLE_DATA."""
    place = MOVED_ROOTS.get(data.root) or named_data()
    if data.fingerprint is None or data.root.is_dir() or not place:
        return data
    return moved_data(data, Path(place))


def _files_split(registry: Registry, data: DataSection) -> Split | None:
    """The split by explicit files or by train.json with val.json; None where neither applies."""
    train, val = data.train, data.val
    if bool(train) != bool(val):
        given, missing = ("--train-json", "--val-json") if train else ("--val-json", "--train-json")
        raise RecycleError(f"{given} without {missing}", f"name both, or leave {given} out")
    if train and data.fold is not None:
        raise RecycleError("both explicit files and a fold are asked for", "choose --train-json or --fold")
    full_file = data.json_path
    if not train:
        pair = _pair(data.root)
        usual = data.split == "auto" and data.fold is None and data.json_path is None and data.dataset.bare == "coco"
        if not usual or not all(file.is_file() for file in pair):
            return None
        train, val = ((DataFile(root=data.root, json_path=str(file)),) for file in pair)
        how = f"{PAIR} in {data.root}"
    else:
        how = f"explicit files: {'; '.join(join_limited(file.json_path for file in files) for files in (train, val))}"

    if not data.train:
        refuse_test_photos(data.root, train)
    full = _open_full(registry, data, full_file)
    merged = (full or _open(registry, data, train[0])).class_names if data.classes else ()
    train_sources = [_open(registry, data, file, merged) for file in train]
    val_sources = [_open(registry, data, file, merged) for file in val]
    names = _class_list(train_sources + val_sources, full)
    weights = [file.weight for file, source in zip(train, train_sources, strict=True) for _ in range(len(source))]
    if (data.root / FOLDS_FILE).is_file() and data.split == "auto" and not data.train:
        how += f"; passed over: {FOLDS_FILE}, as --fold K takes"
    fixed = {"split": "files", "train": train, "val": val}
    return Split(
        Joined([relabelled(source, names) for source in train_sources]),
        Joined([relabelled(source, names) for source in val_sources]),
        tuple(weights),
        how,
        data.model_copy(update=fixed),
    )


def _named_or_stored(registry: Registry, data: DataSection, seed: int) -> Split:
    """The split of one whole source; that of a run of 0.1, which knew of no test photos, is what it was."""
    if data.fingerprint is None:
        return _whole_split(registry, data, seed)
    for together in (True, False):
        try:
            split = _whole_split(registry, data, seed, together=together)
        except RecycleError:
            continue
        if _fingerprint(split) == data.fingerprint:
            return split
    return _whole_split(registry, data, seed, test_photos=True, together=False)


def _whole_split(
    registry: Registry, data: DataSection, seed: int, test_photos: bool = False, together: bool = True
) -> Split:
    """The split of one whole source: by a fold, as the data names it, or at random.

    Args:
        registry, data, seed: see `make_split`.
        test_photos: take test photos as any others.
        together: keep Roboflow's copies of a photo on one side.
    """
    source = _open(registry, data, DataFile(root=data.root, json_path=data.json_path))
    named = named_splits(source)
    dealt = range(len(source)) if test_photos else named.dealt
    folds_file = data.root / FOLDS_FILE
    passed = [f"{counted(len(named.test), 'test photo')}"] if named.test and not test_photos else []
    train: Sequence[int]
    val: Sequence[int]
    if data.fold is not None or data.split == "folds" or (data.split == "auto" and folds_file.is_file()):
        fold = data.fold or 0
        train, val = read_fold(source, folds_file, fold, dealt)
        how = f"fold {fold} of {folds_file}"
        fixed: dict[str, object] = {"split": "folds", "fold": fold}
        passed += [str(named)] if named.train and named.val else []
        passed += [PAIR] if all(file.is_file() for file in _pair(data.root)) else []
    elif data.split == "named" or (data.split == "auto" and named.train and named.val):
        if not (named.train and named.val):
            raise RecycleError(
                f"data.split is 'named', and {data.root} names no training and validation photos", "leave it out"
            )
        train, val, how = named.train, named.val, str(named)
        fixed = {"split": "named"}
        neither = len({*dealt} - {*train, *val})
        passed += [f"{counted(neither, 'photo')} of none of its splits"] if neither else []
    else:
        train, val = _at_random(source, dealt, data, seed, together)
        how = f"{data.val_fraction:.0%} of {data.root} held out at random, seed {seed}"
        fixed = {"split": "random"}
        passed += [str(named)] if 0 < len({*named.train, *named.val}) < len(dealt) or named.val else []
        passed += [FOLDS_FILE] if folds_file.is_file() else []
        used = Path(data.json_path).name if data.json_path else TRAIN_FILE
        beside = [file for file in sorted(data.root.glob("*.json")) if split_called(file.stem) in ("train", "val")]
        files = [file.name for file in beside if file.name != used]
        passed += [f"{join_limited(files)}, as --train-json and --val-json take"] if files else []
    how += f"; passed over: {', '.join(passed)}" if passed else ""
    weights = (1.0,) * len(train)
    return Split(Subset(source, train), Subset(source, val), weights, how, data.model_copy(update=fixed))


def _at_random(
    source: Source, dealt: Sequence[int], data: DataSection, seed: int, together: bool
) -> tuple[list[int], list[int]]:
    """Training and validation photos of `dealt`, chosen at random; `together`: with Roboflow's copies of each."""
    import numpy as np

    from recycle_data.groups import augmented_copies

    held_out = max(1, round(len(dealt) * data.val_fraction))
    if held_out >= len(dealt):
        raise RecycleError(
            f"{data.root}: with {counted(len(dealt), 'photo')} there is nothing to train on beside a validation set"
        )
    order = [dealt[place] for place in np.random.default_rng(seed).permutation(len(dealt))]
    val = set(order[:held_out])
    if together:
        groups = augmented_copies(source)
        first = list(dict.fromkeys(groups[order].tolist()))
        sizes = np.bincount(groups[order], minlength=len(source))
        if sizes.max() > 1:
            taken = np.cumsum(sizes[first])
            count = max(1, min(int(np.searchsorted(taken, held_out)) + 1, len(first) - 1))
            val = set(np.flatnonzero(np.isin(groups, first[:count])).tolist()) & set(dealt)
        if val == set(dealt):
            raise RecycleError(
                f"{data.root}: all photos are Roboflow's copies of one, which leave nothing to train on beside a "
                "validation set"
            )
    return sorted(set(dealt) - val), sorted(val)


def _pair(root: Path) -> list[Path]:
    """Where train.json and val.json would lie."""
    return [root / name for name in SPLIT_FILES]


def _open(registry: Registry, data: DataSection, file: DataFile, merged: Sequence[str] = ()) -> Source:
    """The photos of a file, with `data.classes` applied where they are not: pseudo-labels have the `merged` names."""
    dataset = data.dataset
    source = open_source(registry, file.root or data.root, file.json_path, dataset.name, dataset.options)
    members = {old for listing in data.classes.values() for old in listing}
    if set(source.class_names) == set(merged) and not members <= set(merged):
        return source
    return regrouped(source, data.classes)


def _open_full(registry: Registry, data: DataSection, file: str | None) -> Source | None:
    """The full source, which the labels are taken from; None where there is none beside the files."""
    try:
        return _open(registry, data, DataFile(root=data.root, json_path=file))
    except RecycleError:
        if file is not None:
            raise
        return None


def _absolute(files: tuple[DataFile, ...], root: Path) -> tuple[DataFile, ...]:
    """The files with their places spelled out, so that the saved recipe works from any folder."""
    placed = []
    for file in files:
        own_root = (file.root or root).absolute()
        found = annotation_places(own_root, file.json_path)
        where = str(found[0].absolute()) if found else file.json_path
        placed.append(file.model_copy(update={"root": own_root, "json_path": where}))
    return tuple(placed)


def _class_list(sources: list[Source], full: Source | None) -> tuple[str, ...]:
    """The first class list that holds all the others': the full source's before any part's."""
    everything = {name for source in sources for name in source.class_names}
    for source in ([full] if full else []) + sources:
        if everything <= set(source.class_names):
            return source.class_names
    lists = "; ".join(sorted({join_limited(source.class_names, 20) for source in sources}))
    raise RecycleError(
        f"the files name different classes and none names them all: {lists}",
        "name a file that lists every category with --json-path",
    )


def _fingerprint(split: Split) -> str:
    """SHA-256 over class names and, for each photo of both sides, name, sizes and annotations."""
    total = hashlib.sha256(json.dumps(split.train.class_names).encode())
    for source in (split.train, split.val):
        for index in range(len(source)):
            record = source.record(index)
            size = record.file.stat().st_size if record.file.is_file() else -1
            shapes = [(annotation.label, annotation.area, annotation.segmentation) for annotation in record.annotations]
            total.update(
                json.dumps([record.file_name, record.height, record.width, size, shapes], default=str).encode()
            )
        total.update(b"|")
    return total.hexdigest()
