"""New photos from the training photos, with their labels, written by several processes."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from recycle_coco.document import PROVENANCE
from recycle_coco.json import read_json
from recycle_coco.paths import below
from recycle_data.augmented import document, origins_told, source_photos
from recycle_data.folds import class_counts
from recycle_data.identity import hexadecimal, identities
from recycle_data.optional import tells_origins
from recycle_data.owned import RECORD, Owned, refuse_link
from recycle_data.sources import Subset
from recycle_data.splits import Split
from recycle_data.threads import cores
from recycle_data.vanished_outputs import refuse_gone

from recycle_engine.batch import build_augmentation
from recycle_engine.input_shape import InputShape, training_window
from recycle_engine.offline_augment.maker import MAX_BATCH_PHOTOS, Maker, Training, plan, run_jobs
from recyclecli import __version__
from recyclecli.errors import RecycleError, counted, join_limited, suggest
from recyclecli.files import sweep, sweep_below
from recyclecli.locks import held
from recyclecli.plugins import Registry
from recyclecli.recipe import ListedPart
from recyclecli.types import Source


@dataclass(frozen=True, slots=True)
class OfflineResult:
    """What was made.

    Attributes:
        file: the COCO file.
        photos: new photos in it.
        pasted: objects in them that come from other photos.
        classes: class name to pasted objects.
        skipped: photos that cannot be read, and why; each gave nothing.
    """

    file: Path
    photos: int
    pasted: int
    classes: dict[str, int]
    skipped: dict[str, str]


def make(
    registry: Registry,
    split: Split,
    parts: Sequence[ListedPart],
    out: Path,
    name: str,
    number: int,
    seed: int = 0,
    mode: Literal["add", "self"] = "add",
    background: Sequence[str] = (),
    size: int | None = None,
    device: str = "cpu",
    workers: int | None = None,
    strict: bool = False,
    force: bool = False,
) -> OfflineResult:
    """Write `number` new photos to out/name/ and out/name.json, from the training photos alone.

    On one kind of device a photo depends on the settings, `seed` and its number, however many
    processes make it. A call that was interrupted is gone on with by the same call.

    Args:
        registry: the installed components.
        split: whose training side is read; nothing else is.
        parts: augmentations with complete options, in order; one of them at most may paste.
        out: folder of the COCO file, which its file names are relative to.
        name: of the set.
        number: of new photos; each training photo is taken equally often.
        seed: seed of all randomness.
        mode: `add` puts the training photos into the file too, `self` the new ones alone.
        background: change only photos that show one of these classes; all when empty.
        size: longer side in pixels that photos are scaled to first, all into one height and width.
        device: a torch device.
        workers: processes; one for each core when left out.
        strict: stop at the first photo that cannot be read, rather than skip it.
        force: replace a set of that name.

    Raises:
        RecycleError: an augmentation cannot be used offline, no photo shows a class of
            `background`, a photo cannot be read and `strict`, or none can.
        RunFailed: the disk is full, or a process was killed.
    """
    if not name or name != Path(name).name or name.startswith("."):
        raise RecycleError(f"--name {name!r}: no name of a file and of a folder", "use letters, digits, - and _")
    with held(out / name):
        file, unfinished, owned = out / f"{name}.json", out / f"{name}.unfinished", Owned(out)
        for place in (out / name, unfinished):
            refuse_link(place, "choose another name with --name")
        checked_device(device)
        source = split.train
        settings = {
            "version": __version__,
            "parts": [
                (registry.find("augmentation", part.name).qualified, part.model_dump(mode="json")) for part in parts
            ],
            "data": split.data.fingerprint,
            "number": number,
            "seed": seed,
            "background": list(background),
            "size": size,
            "device": device,
        }
        digest = hashlib.sha256(json.dumps(settings).encode()).hexdigest()
        resumed = _resumes(unfinished, digest, force)
        _refuse_own(source, out / name)
        owned.refuse_overwrite([file], force or resumed)
        _refuse_foreign(owned, out / name, force or resumed)
        targets = shown_on(source, background)
        training = Training(source)
        augmentations = [build_augmentation(registry, part, training) for part in parts]
        if strict and training.unreadable:
            raise RecycleError(next(iter(training.unreadable.values())), "replace the file, or leave out --strict")
        together = MAX_BATCH_PHOTOS if any(tells_origins(one) for one in augmentations) else 1
        if not resumed:
            state = Owned(unfinished)
            state.clear(unfinished / "settings.json")
            state.write_json(unfinished / "settings.json", {"digest": digest})
        done = {int(part.stem) for part in _parts(unfinished) if all(map(os.path.lexists, _photos(part, out)))}
        shape = InputShape(size, training_window(source, size, 1), 0) if size else None
        frame = shape.window if shape else None
        jobs = [job for job in plan(source, targets, number, seed, together, frame) if job[0] not in done]
        maker = Maker(training, augmentations, out, name, number, seed, shape, torch.device(device), strict)
        (out / name).mkdir(parents=True, exist_ok=True)
        run_jobs(maker, jobs, unfinished, workers or cores())
        return _merged(source, training, owned, name, mode, unfinished)


def checked_device(name: str) -> None:
    """Raise RecycleError where this machine has no such device; processes may still be forked afterwards."""
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise RecycleError(f"--device {name}: no such device", "use cpu, cuda or cuda:1") from error
    if device.type == "cuda" and torch.cuda.device_count() <= (device.index or 0):
        raise RecycleError(
            f"--device {name}: torch sees {counted(torch.cuda.device_count(), 'CUDA device')}", "use cpu"
        )


def shown_on(source: Source, names: Sequence[str]) -> list[int]:
    """Indices of the photos that show one of these classes; all where no class is named."""
    if not names:
        return list(range(len(source)))
    for name in names:
        if name not in source.class_names:
            raise RecycleError(f"--background {name}: no such class", suggest(name, source.class_names))
    labels = [source.class_names.index(name) for name in names]
    found = np.flatnonzero(class_counts(source)[:, labels].any(1)).tolist()
    if not found:
        raise RecycleError(f"no training photo shows {join_limited(names)}", "see `recycle data stats`")
    return found


def _refuse_foreign(owned: Owned, folder: Path, force: bool) -> None:
    """Refuse a folder of the set's name that holds anything but photos of an earlier set."""
    sweep_below(folder)
    found = sorted(below(folder))
    if found and not force and len(owned.own(found)) == len(found):
        raise RecycleError(f"{folder} exists", "choose another --name, or pass --force to replace it")
    owned.refuse_foreign(found, "choose another name with --name, or move it away")


def _settings(unfinished: Path) -> str | None:
    """The digest of the settings that an interrupted call had."""
    try:
        found = read_json(unfinished / "settings.json", "")
    except RecycleError:
        return None
    return str(found.get("digest")) if isinstance(found, dict) else None


def _resumes(unfinished: Path, digest: str, force: bool) -> bool:
    """Whether an interrupted call of the same settings is gone on with."""
    sweep(unfinished)
    if _settings(unfinished) == digest:
        return True
    held = [file for file in below(unfinished) if file.name != RECORD]
    if _parts(unfinished) and not force:
        raise RecycleError(
            f"{unfinished} is what an interrupted command with other settings or data left",
            "type that command again to go on with it, or pass --force to start anew",
        )
    Owned(unfinished).refuse_foreign(held, "choose another name with --name, or move it away")
    return False


def _parts(unfinished: Path) -> list[Path]:
    """What the jobs that are done left, in their order."""
    return Owned(unfinished).own(sorted(unfinished.glob("[0-9]*.json")))


def _photos(part: Path, out: Path) -> list[Path]:
    """The photos that a job made."""
    return [out / photo["file_name"] for photo in json.loads(part.read_text(encoding="utf-8"))["photos"]]


def _refuse_own(source: Source, folder: Path) -> None:
    """No training photo may lie where new ones are written."""
    for index in range(len(source)):
        if folder.absolute() in source.record(index).file.absolute().parents:
            raise RecycleError(f"{folder} holds photos of the training set", "choose another name with --name")


def _origins(
    source: Source, photos: Sequence[dict[str, Any]], read: Collection[int]
) -> tuple[dict[str, str], set[str]]:
    """Digests of the photos that these were made from and with, by name, and the names of those that were read."""
    digests, besides = origins_told(source)
    besides |= {source.record(index).file_name for index in read}
    entries = [entry for photo in photos for entry in (photo, *photo["objects"])]
    named = {origin["file_name"] for entry in entries for origin in entry.get(PROVENANCE, ())}
    used = [index for index in range(len(source)) if source.record(index).file_name in named | besides]
    found = identities(Subset(source, used))
    known = {source.record(index).file_name: photo for index, photo in zip(used, found, strict=True)}
    return digests | {name: hexadecimal(photo) for name, photo in known.items() if photo["height"]}, besides


def _merged(
    source: Source, training: Training, owned: Owned, name: str, mode: Literal["add", "self"], unfinished: Path
) -> OfflineResult:
    out = owned.base
    parts = [json.loads(part.read_text(encoding="utf-8")) for part in _parts(unfinished)]
    made = [photo for part in parts for photo in part["photos"]]
    skipped: dict[str, str] = training.unreadable | {key: why for part in parts for key, why in part["skipped"].items()}
    if not made:
        raise RecycleError(
            f"none of the {counted(len(skipped), 'photo')} can be read: {join_limited(skipped.values(), 1)}"
        )
    own = list(source_photos(source, out, skipped)) if mode == "add" else []
    pasted = [shape for photo in made for shape in photo["objects"] if shape.get("provenance")]
    file = out / f"{name}.json"
    read = training.were_read | {index for part in parts for index in part["read"]}
    kept = {photo for part in _parts(unfinished) for photo in _photos(part, out)}
    refuse_gone(kept)
    owned.write_json(file, document(source.class_names, own + made, *_origins(source, own + made, read)))
    owned.remove(photo for photo in (out / name).iterdir() if photo not in kept)  # of a set that this one replaces
    Owned(unfinished).clear(unfinished / "settings.json")
    owned.finish()
    classes = Counter(source.class_names[shape["label"]] for shape in pasted)
    return OfflineResult(file, len(made), len(pasted), dict(classes.most_common()), skipped)
