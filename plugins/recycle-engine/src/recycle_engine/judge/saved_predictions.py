"""Scoring predictions that lie in files: a folder of masks, or a submission."""

from __future__ import annotations

import glob
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from recycle_coco.json import read_json
from recycle_coco.photo import open_photo
from recycle_data.check.masks import blended
from recycle_data.palette import CLASS_COLORS_FILE, palette
from recycle_data.progress import track
from recycle_data.sources import read_labels, spelled
from recycle_data.submission import reduce_labels, submission_rows, target_names
from recycle_data.threads import in_threads

from recycle_engine.judge.per_image_counts import PerImageCounts
from recyclecli.errors import RecycleError, counted, join_limited
from recyclecli.types import Source

log = logging.getLogger("recycle.engine")

CLASSES_REMEDY = "predict again, or write a JSON list of class names"
JOB_RECORD = "predicted.json"  # that `predict` leaves beside masks/; of a submission alone SUBMISSION.json
RECORD_BYTES = 2**28  # of it, since it names each photo that failed
SMOOTHED = 0.2  # of a mask's edge pixels that lie between their neighbours; models, too, put one class between two


def count_masks(folder: Path, source: Source) -> PerImageCounts:
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
    stated = _stated(inner.parent / CLASS_COLORS_FILE)
    table = _table(inner.parent, stated, source.class_names)
    colors = _colors(stated, source.class_names)
    names = [source.record(index).file_name for index in range(len(source))]
    doubled = {name for name, target in zip(names, target_names(names, ".png"), strict=True) if target == f"{name}.png"}

    def place(name: str) -> Path:
        file = inner / (f"{name}.png" if name in doubled else Path(name).with_suffix(".png"))
        return file if file.is_file() else inner / f"{name}.png"

    missing = [name for name in names if not place(name).is_file()]
    if missing:
        others = [file for name in missing for file in inner.glob(f"{glob.escape(str(Path(name).with_suffix('')))}.*")]
        if others:
            raise RecycleError(
                f"{inner} holds {join_limited(others, 3)}, no PNG: another format changes the values",
                "predict again, and leave the masks as they are written",
            )
        raise RecycleError(
            f"{inner} lacks masks for {len(missing)} of {counted(len(names), 'photo')}: {join_limited(missing, 3)}",
            "predict the labelled photos, or name the annotation file of those that were predicted",
        )

    smoothed: list[Path] = []

    def read(index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        file = place(names[index])
        said = _mask(file, colors)
        if blended(said) > SMOOTHED:
            smoothed.append(file)
        if table is not None:
            if said.size and said.max() >= len(table):
                raise RecycleError(
                    f"{file} holds label {said.max()}, but {CLASS_COLORS_FILE} names {counted(len(table), 'class')}",
                    "predict again, and leave the masks as they are written",
                )
            said = table[said]
        return said, read_labels(source, index)[0]

    ledger = PerImageCounts(source.class_names)
    work = in_threads(read, track(range(len(source)), len(source), "judging"))
    for name, (said, true) in zip(names, work, strict=True):
        ledger.add(name, said, true)
    if smoothed:
        log.warning(
            f"warning: {counted(len(smoothed), 'mask')} of {len(names)} smoothed, it seems, as {smoothed[0]}: along "
            "edges values lie between those of both sides, as if resized with interpolation, and are scored as "
            "the classes of these numbers. Resize masks by the nearest pixel"
        )
    return ledger


def _stated(file: Path) -> list[tuple[str, tuple[int, ...] | None]] | None:
    """Name and, where it is stated, colour of each label; None without a file. Earlier versions wrote names alone."""
    if not file.exists():
        return None
    entries = read_json(file, CLASSES_REMEDY)
    try:
        found = [one if isinstance(one, str) else (one["name"], tuple(map(int, one["color"]))) for one in entries]
    except (KeyError, TypeError, ValueError) as error:
        raise RecycleError(f"{file} cannot be read: {error!r}", CLASSES_REMEDY) from error
    return [(one, None) if isinstance(one, str) else one for one in found]


def _table(
    folder: Path, stated: Sequence[tuple[str, object]] | None, class_names: tuple[str, ...]
) -> NDArray[np.uint8] | None:
    """From the labels of the masks to the source's, by name; None where they are the same or unnamed."""
    names = [spelled(name, class_names) for name, _ in stated or ()]
    if unknown := [name for name in names if name not in class_names]:
        raise RecycleError(
            f"the masks of {folder} hold {join_limited(unknown)}, but the labels are {join_limited(class_names, 20)}",
            "judge on labels of the same classes",
        )
    if stated is None or tuple(names) == class_names:
        return None
    return np.array([class_names.index(name) for name in names], np.uint8)


def _colors(
    stated: Sequence[tuple[str, tuple[int, ...] | None]] | None, class_names: tuple[str, ...]
) -> list[tuple[int, ...]]:
    """The colours that the palettes of the masks have, by label: those of classes.json, else of `convert`."""
    own = [color for _, color in stated or () if color is not None]
    return own or list(palette(class_names))


def _mask(file: Path, colors: Sequence[tuple[int, ...]]) -> NDArray[np.uint8]:
    """(H, W) labels.

    Raises:
        RecycleError: no index image, a JPEG, or the palette is that of the classes in another order.
    """
    remedy = "predict again, and leave the masks as they are written"
    with open_photo(file, "mask") as (image, _):
        if image.format == "JPEG":
            raise RecycleError(f"mask {file} is a JPEG, which changes the values", remedy)
        if image.mode not in ("P", "L"):
            raise RecycleError(
                f"{file} is no mask: its mode is {image.mode}", "index images of 8 bits are needed (PNG, mode P or L)"
            )
        labels = np.asarray(image, np.uint8)
        flat = image.getpalette() if image.mode == "P" else None
    used = np.unique(labels).tolist()
    if flat is not None and len(used) > 1:
        shown = [tuple(flat[3 * label : 3 * label + 3]) for label in used]
        if set(shown) <= set(colors) and shown != [colors[label] if label < len(colors) else None for label in used]:
            raise RecycleError(
                f"mask {file} has the colours of the classes in another order: a program that makes PNGs smaller "
                "sorted its palette, and the values are no labels any more",
                remedy,
            )
    return labels


def count_submission(file: Path, source: Source) -> tuple[PerImageCounts, list[str]]:
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
    ledger = PerImageCounts(source.class_names)
    extra = []
    for name, labels in track(submission_rows(file), len(names), "judging"):
        if name in places:
            ledger.add(name, labels, reduce_labels(read_labels(source, places[name])[0]))
        else:
            extra.append(name)
    missing = sorted(places.keys() - set(ledger.names))
    if missing:
        hint = f"; it has {join_limited(extra, 2)}, which the labels lack" if extra else ""
        raise RecycleError(
            f"{file} has no row for {len(missing)} of {counted(len(names), 'labelled photo')}: "
            f"{join_limited(missing, 3)}"
            f"{hint}",
            "an image_id is the photo's file_name; name the annotation file of the photos that were predicted",
        )
    ledger.reorder(names)
    return ledger, extra
