"""Which validation photos a training knows beforehand: its own, those of the run it starts from, of its teachers."""

from __future__ import annotations

import json
import logging
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from recycle_coco.document import load_content
from recycle_data.crops import crops
from recycle_data.duplicates import turned
from recycle_data.pseudo import PSEUDO_KEY
from recycle_data.sources import read_labels
from recycle_data.splits import PAIR, Split
from recycle_data.unturned_labels import unturned
from recycle_data.workspace import registry

from recycle_engine.distributed import is_first
from recycle_engine.run_recipe import resolve_run
from recycle_engine.runs import Run, run_around
from recycle_engine.training_provenance import LearnedPhotos, learned, photos_of_run, photos_of_split, recipe_files
from recyclecli.errors import RecycleError, counted, join_limited
from recyclecli.plugins import Registry
from recyclecli.recipe import DataSection, Recipe
from recyclecli.types import Source

log = logging.getLogger("recycle.engine")


def refuse_leakage(split: Split) -> LearnedPhotos:
    """The photos of a split, none of which may be on both sides, under whatever name, size or quality.

    Raises:
        RecycleError: a validation photo is among the training photos, or a training photo was made of one or with one.
    """
    photos = photos_of_split(split)
    found = learned(photos, split.val, photos.judged)
    if found.same:
        pairs = [_pair(split, index, other, index in found.equal) for index, other in found.same.items()]
        kfold = _kfold(split.data, len(split.train) + len(split.val) - len(pairs))
        verb = "is" if len(pairs) == 1 else "are"
        raise RecycleError(
            f"{len(pairs)} of {counted(len(split.val), 'validation photo')} {verb} trained on, too: "
            f"{join_limited(pairs, 3)}",
            "take them out of one of the two files"
            if split.data.split == "files" and not split.how.startswith(PAIR)
            else f"make folds, which keep one photo on one side, then train with --fold 0: {kfold}",
        )
    if found.alike:
        log.warning(
            "note: like training photos, but not the same at 64x64 pixels: "
            f"{counted(len(found.alike), 'validation photo')}"
        )
    if flipped := turned(photos.judged, photos.trained):
        index, other = next(iter(flipped.items()))
        pair = f"{split.val.record(index).file_name} is {split.train.record(other).file_name}"
        count = counted(len(flipped), "validation photo")
        log.warning(f"warning: scores are flattered: {count} trained on, mirrored, turned or inverted: {pair}")
    if wrong := list(unturned(photos.trained, lambda index: read_labels(split.train, index)[0])):
        pair = " is ".join(split.train.record(index).file_name for index in wrong[0])
        log.warning(
            f"warning: {counted(len(wrong), 'training photo')} mirrored or turned, with labels that are not: {pair}; "
            "recycle data check names all"
        )
    for text in _cut_out(split, photos):
        log.warning(f"warning: scores are flattered: {text}")
    for part, what in ((photos.trained, "training"), (photos.judged, "validation")):
        readable = part[part["height"] > 0]
        if copies := len(readable) - len(np.unique(readable["digest"].view("V20"))):
            log.warning(f"note: copies of another photo: {copies} of {counted(len(part), f'{what} photo')}")
    if deep := int(sum((part["bits"] == 12).sum() for part in (photos.trained, photos.judged))):
        log.warning(f"note: 12 bits in 16 in {counted(deep, 'photo')}: white is taken to be 4095")
    return photos


def _kfold(data: DataSection, photos: int) -> str:
    """The line that makes folds of the same photos, of which so many differ."""
    name = data.dataset.bare
    usual = registry().options("dataset", data.dataset.name, {}).model_dump(mode="json")
    own = {key: value for key, value in data.dataset.options.items() if usual.get(key) != value}
    words = ["recycle", "data", "kfold", "--n", str(max(2, min(5, photos))), "--force"]
    words += ["--data", str(data.root), "--dataset", name]
    words += ["--json-path", data.json_path] if data.json_path else []
    words += [word for key, value in own.items() for word in ("-o", f"data.dataset.{key}={json.dumps(value)}")]
    return shlex.join(words)


def _pair(split: Split, index: int, other: int, equal: bool) -> str:
    name = split.val.record(index).file_name
    if other < 0:
        return f"{name}, of which training photos were made"
    return f"{name} {'is' if equal else 'is, saved anew,'} {split.train.record(other).file_name}"


def _cut_out(split: Split, photos: LearnedPhotos) -> Iterator[str]:
    """Which photos of one side are cut out of those of the other; where photos are many, some are looked at."""
    train, val = ([side.record(index).file for index in range(len(side))] for side in (split.train, split.val))
    for found, side, other, what in (
        (crops(photos.judged, val, photos.trained, train), split.val, split.train, ("validation", "training")),
        (crops(photos.trained, train, photos.judged, val), split.train, split.val, ("training", "validation")),
    ):
        if found:
            index, place = next(iter(found.items()))
            pair = f"{side.record(index).file_name} of {other.record(place).file_name}"
            count = counted(len(found), f"{what[0]} photo")
            yield f"{count} at least {'is' if len(found) == 1 else 'are'} cut out of {what[1]} photos: {pair}"


def warn_leakage(registry: Registry, recipe: Recipe, split: Split, photos: LearnedPhotos) -> None:
    """Say which validation photos the start of a training, or a teacher of its pseudo-labels, has learned from.

    Nothing is refused: to fine-tune across folds is done knowingly. Runs that are gone are passed over.

    Args:
        registry: the installed components.
        recipe: what is trained, with the data section of `split`.
        split: its photos.
        photos: their identities.
    """
    for what, run in _sources(recipe) if is_first() else ():
        known = _known(registry, run, split.val, photos, set())
        if known:
            log.warning(
                f"note: {what}, {run.folder}, has learned from {len(known)} of these {len(split.val)} validation "
                f"photos ({join_limited(sorted(known), 1)}): scores on them are flattered"
            )


def _sources(recipe: Recipe) -> Iterator[tuple[str, Run]]:
    """The runs that a training has knowledge from, with what each is to it."""
    start = recipe.train.init_from
    if start is not None and (run := run_around(start)) is not None:
        yield "the run it starts from", run
    for folder in _teachers(recipe.data):
        yield "a teacher of its pseudo-labels", Run(folder)


def _teachers(data: DataSection) -> list[Path]:
    """Folders of the runs that labelled training photos, as their label files name them."""
    names: dict[str, None] = {}
    for file in [one.json_path for one in data.train] or [data.json_path]:
        try:
            images = load_content(Path(file))["images"] if file and Path(file).suffix.lower() == ".json" else []
        except RecycleError:  # another dataset's file, which knows no pseudo-labels
            continue
        marks = (image.get(PSEUDO_KEY) for image in images)
        names |= {folder: None for mark in marks if isinstance(mark, dict) for folder in mark.get("folders", ())}
    return [Path(name) for name in names]


def _known(registry: Registry, run: Run, source: Source, photos: LearnedPhotos, passed: set[Path]) -> set[str]:
    """`file_name`s of photos of `source` that a run has learned from, or a run that it has knowledge from."""
    if run.folder in passed or not run.recipe.is_file():
        return set()
    passed.add(run.folder)
    known: set[str] = set()
    try:
        own = photos_of_run(registry, run)
        known.update(source.record(index).file_name for index in learned(own, source, photos.judged).same)
        for file in recipe_files(run):
            for _, other in _sources(resolve_run(registry, file)):
                known |= _known(registry, other, source, photos, passed)
    except RecycleError as error:
        log.warning(f"note: what {run.folder} has learned from cannot be read: {error.args[0]}")
    return known
