"""What makes a split useless: photos that are not there, or on both of its sides, and test photos among them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from recycle_coco.document import load_content
from recycle_coco.paths import TEST_FILE

from recyclecli.errors import RecycleError, counted, join_limited
from recyclecli.recipe import DataFile, DataSection
from recyclecli.types import Source


def refuse_missing(train: Source, val: Source, data: DataSection) -> None:
    """Raise RecycleError where photos are not there: now, and not in the middle of an epoch."""
    records = [source.record(index) for source in (train, val) for index in range(len(source))]
    missing = [record.file for record in records if not record.file.is_file()]
    if 0 < len(missing) < len(records):
        raise RecycleError(
            f"missing: {len(missing)} of {counted(len(records), 'photo')}: {join_limited(missing, 3)}",
            f"restore them, or drop them: {_dropping(data)}",
        )
    if missing:  # a wrong root, or photos that are drawn and not stored: reading one tells
        train.read(0)


def refuse_split_leakage(train: Source, val: Source) -> None:
    """Raise RecycleError where a photo is on both sides, or a training photo was made with one of validation."""
    judged = [val.record(index) for index in range(len(val))]
    val_files = {os.path.realpath(record.file) for record in judged}
    val_names = {record.file_name for record in judged}
    for index in range(len(train)):
        record = train.record(index)
        if os.path.realpath(record.file) in val_files:
            raise RecycleError(
                f"{record.file_name!r} is both a training and a validation photo", "take it out of one of the two files"
            )
        leaked = record.provenance & val_names
        if leaked:
            raise RecycleError(
                f"training photo {record.file_name!r} holds objects of validation photo {join_limited(sorted(leaked))}",
                "make augmented photos from the training split of the same fold",
            )
        if read := record.made_with & val_names:
            raise RecycleError(
                f"training photo {record.file_name!r} is of a set that validation photo "
                f"{join_limited(sorted(read))} was "
                "read for",
                "make augmented photos from the training split of the same fold",
            )


def refuse_test_photos(root: Path, train: Sequence[DataFile]) -> None:
    """Raise RecycleError where test.json in the root names photos that are trained on."""
    test, file = root / TEST_FILE, train[0].json_path
    if not test.is_file() or file is None:
        return
    names = []
    for place in (test, Path(file)):
        try:
            names.append({image["file_name"] for image in load_content(place, ("images",))["images"]})
        except RecycleError:  # no COCO file
            return
    if both := sorted(names[0] & names[1]):
        raise RecycleError(
            f"{counted(len(both), 'photo')} of {test} also in {file}: {join_limited(both, 3)}",
            "test photos are not trained on: take them out of one of the two files",
        )


def check_line(data: DataSection) -> str:
    """The line that checks the labels and photos of a section."""
    words = ["recycle", "data", "check", "--data", str(data.root)]
    words += ["--dataset", data.dataset.bare] if data.dataset.bare != "coco" else []
    words += ["--json-path", data.json_path] if data.json_path else []
    return shlex.join(words)


def _dropping(data: DataSection) -> str:
    """The lines that drop missing photos."""
    files = [file.json_path for file in (*data.train, *data.val) if file.json_path]
    line = f"{check_line(data)} --fix mended.json --drop-unreadable"
    if files:
        each = f"{line} with --json-path of each of {join_limited(files)}"
        return f"{each}, then --train-json and --val-json of what it writes"
    return f"{line}, then train with --json-path mended.json"
