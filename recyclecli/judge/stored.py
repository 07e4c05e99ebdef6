"""Scoring predictions that lie in files: a folder of masks, or a submission."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recyclecli.coco.photo import open_photo
from recyclecli.data.sources import read_labels, spelled
from recyclecli.data.submission import reduce_labels, submission_rows, target_names
from recyclecli.data.threads import in_threads
from recyclecli.errors import RecycleError, listed
from recyclecli.judge.ledger import Ledger
from recyclecli.progress import track
from recyclecli.reading import read_json
from recyclecli.types import Source

REMEDY = "write a JSON list of class names, or predict again"
CLASSES = "classes.json"  # beside masks/, names by label


def count_masks(folder: Path, source: Source) -> Ledger:
    """Count the masks that `recycle predict --out FOLDER` wrote, or any folder of index PNGs.

    Args:
        folder: of masks/ and classes.json, or of the masks themselves, which are then taken to
            have the source's labels. A mask is called as its photo with the suffix .png.
        source: labelled photos; only their labels are read.

    Raises:
        RecycleError: a mask is missing, is no index image or of another size, or a class is
            unknown to the source.
    """
    if not folder.is_dir():
        raise RecycleError(f"{folder} does not exist", "name a folder that recycle predict --out wrote")
    inner = folder / "masks" if (folder / "masks").is_dir() else folder
    table = _table(inner.parent / CLASSES, source.class_names)
    names = [source.record(index).file_name for index in range(len(source))]
    doubled = {name for name, target in zip(names, target_names(names, ".png"), strict=True) if target == f"{name}.png"}

    def place(name: str) -> Path:
        file = inner / (f"{name}.png" if name in doubled else Path(name).with_suffix(".png"))
        return file if file.is_file() else inner / f"{name}.png"

    missing = [name for name in names if not place(name).is_file()]
    if missing:
        raise RecycleError(
            f"{inner} lacks the masks of {len(missing)} of {len(names)} photos: {listed(missing, 3)}",
            "predict the labelled photos, or name the annotation file of those that were predicted",
        )

    def read(index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        file = place(names[index])
        said = _mask(file)
        if table is not None:
            if said.size and said.max() >= len(table):
                raise RecycleError(f"{file} holds label {said.max()}, but {CLASSES} names {len(table)} classes")
            said = table[said]
        return said, read_labels(source, index)[0]

    ledger = Ledger(source.class_names)
    work = in_threads(read, track(range(len(source)), len(source), "judging"))
    for name, (said, true) in zip(names, work, strict=True):
        ledger.add(name, said, true)
    return ledger


def _table(file: Path, class_names: tuple[str, ...]) -> NDArray[np.uint8] | None:
    """From the labels of the masks to the source's, by name; None where they are the same or unnamed."""
    if not file.exists():
        return None
    try:
        names = [spelled(name, class_names) for name in read_json(file, REMEDY)]
        unknown = [name for name in names if name not in class_names]
    except TypeError as error:
        raise RecycleError(f"{file} cannot be read: {error}", REMEDY) from error
    if unknown:
        raise RecycleError(
            f"the masks of {file.parent} hold {listed(unknown)}, but the labels are {listed(class_names, 20)}",
            "judge on labels of the same classes",
        )
    return None if tuple(names) == class_names else np.array([class_names.index(name) for name in names], np.uint8)


def _mask(file: Path) -> NDArray[np.uint8]:
    with open_photo(file, "mask") as (image, _):
        if image.mode not in ("P", "L"):
            raise RecycleError(
                f"{file} is no mask: its mode is {image.mode}", "index images of 8 bits are needed (PNG, mode P or L)"
            )
        return np.asarray(image, np.uint8)


def count_submission(file: Path, source: Source) -> tuple[Ledger, list[str]]:
    """Count a submission against labels reduced to 256x256, as the contest did, row by row.

    Args:
        file: see `submission_rows`.
        source: labelled photos, whose `file_name`s are the submission's image_ids.

    Returns:
        The counts, in the order of the source, and the image_ids that the source does not know.

    Raises:
        RecycleError: the file cannot be read, or lacks a photo of the source.
    """
    names = [source.record(index).file_name for index in range(len(source))]
    places = {name: index for index, name in enumerate(names)}
    ledger = Ledger(source.class_names)
    extra = []
    for name, labels in track(submission_rows(file), len(names), "judging"):
        if name in places:
            ledger.add(name, labels, reduce_labels(read_labels(source, places[name])[0]))
        else:
            extra.append(name)
    missing = sorted(places.keys() - set(ledger.names))
    if missing:
        hint = f"; it has {listed(extra, 2)}, which the labels lack" if extra else ""
        raise RecycleError(
            f"{file} has no row for {len(missing)} of {len(names)} labelled photos: {listed(missing, 3)}{hint}",
            "an image_id is the photo's file_name; name the annotation file of the photos that were predicted",
        )
    ledger.reorder(names)
    return ledger, extra
