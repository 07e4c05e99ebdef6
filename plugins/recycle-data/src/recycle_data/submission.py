"""The contest's file: `image_id,PredictionString`, 256x256 labels in row-major order."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import normalize

from recycle_coco.table import csv_cell

from recycle_data.output_file import output_file
from recycle_data.votes import hard_vote
from recyclecli.errors import RecycleError, counted, join_limited
from recyclecli.files import atomic_path
from recyclecli.reading import open_regular

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUBMITTED_SIDE = 256
MAX_FIELD_CHARACTERS = 2**22  # characters of a field: labels of a photo take a fifteenth of that
SUBMISSION_COLUMNS = ["image_id", "PredictionString"]


def reduce_labels(labels: NDArray[np.uint8], side: int = SUBMITTED_SIDE) -> NDArray[np.uint8]:
    """(H, W) labels to (side, side) by nearest pixel, as the contest's scorer reduced the truth.

    Pixel i is taken from floor(i * H / side), which is what OpenCV's INTER_NEAREST does.
    """
    import numpy as np

    rows, columns = (np.arange(side) * length // side for length in labels.shape)
    reduced: NDArray[np.uint8] = labels.take(rows, 0).take(columns, 1)
    return reduced


def target_names(names: Sequence[str], suffix: str) -> list[str]:
    """Names of the masks of photos: with another suffix, or with it added where two would meet.

    They meet also where only capital letters or the Unicode form differ: on Windows and macOS that is one file.
    """
    plain = [str(Path(name)) for name in names]
    short = [str(Path(name).with_suffix(suffix)) for name in plain]
    taken = Counter(map(_on_any_system, short))
    pairs = zip(short, plain, strict=True)
    targets = [target if taken[_on_any_system(target)] == 1 else name + suffix for target, name in pairs]
    doubled = [target for target, count in Counter(targets).items() if count > 1]
    if doubled:
        raise RecycleError(f"several photos would be written as {doubled[0]}", "rename one, or predict them apart")
    return targets


def _on_any_system(name: str) -> str:
    """The name of a file as the least exact file system compares it."""
    return normalize("NFC", normalize("NFC", name).casefold())


def submission_row(image_id: str, labels: NDArray[np.uint8]) -> bytes:
    """One photo's (H, W) labels as a line of the file."""
    spread = _digits()[reduce_labels(labels)].reshape(-1, 4)
    kept = spread != ord(" ")
    kept[:, 3] = True
    row: bytes = csv_cell(image_id).encode() + b"," + spread[kept][:-1].tobytes() + b"\n"
    return row


@cache
def _digits() -> NDArray[np.uint8]:
    """(256, 4) the numbers as text, each filled up with spaces."""
    import numpy as np

    return np.frombuffer(b"".join(b"%-4d" % number for number in range(256)), np.uint8).reshape(256, 4)


SUBMISSION_HEADER = ",".join(SUBMISSION_COLUMNS).encode() + b"\n"


def read_submission(file: Path) -> dict[str, NDArray[np.uint8]]:
    """image_id to (256, 256) uint8 labels, all at once; see `submission_rows`."""
    return dict(submission_rows(file))


def submission_rows(file: Path) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """(image_id, (256, 256) uint8 labels) row by row, so that memory does not grow.

    Raises:
        RecycleError: no such file or columns, a doubled id, or a row of wrong length or content.
    """
    import numpy as np

    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    taken: set[str] = set()
    try:
        with io.TextIOWrapper(open_regular(file), encoding="utf-8-sig", newline="") as handle:
            reader = csv.reader(handle)
            if next(reader, None) != SUBMISSION_COLUMNS:
                raise RecycleError(
                    f"{file}: the first line is not {','.join(SUBMISSION_COLUMNS)}",
                    "write the table with this line first, its columns separated by a comma",
                )
            for number, row in enumerate(reader, start=2):
                where = f"{file}, line {number}"
                if len(row) != 2:
                    raise RecycleError(f"{where}: {counted(len(row), 'column')} instead of 2")
                name, text = row
                try:
                    labels = np.array(text.encode("ascii").split(), np.int64)
                except (ValueError, OverflowError) as error:
                    raise RecycleError(f"{where}: {name!r} holds what is no whole number", "write it again") from error
                if labels.size != SUBMITTED_SIDE * SUBMITTED_SIDE or labels.min() < 0 or labels.max() > 254:
                    raise RecycleError(
                        f"{where}: {name!r} has {counted(labels.size, 'label')} of {labels.min(initial=0)} to "
                        f"{labels.max(initial=0)}; {SUBMITTED_SIDE * SUBMITTED_SIDE:,} of 0..254 are needed",
                        "write it again",
                    )
                if name in taken:
                    raise RecycleError(f"{where}: {name!r} occurs twice", "keep one row for each photo")
                taken.add(name)
                yield name, labels.astype(np.uint8).reshape(SUBMITTED_SIDE, SUBMITTED_SIDE)
    except (OSError, ValueError, csv.Error) as error:
        raise RecycleError(f"{file} cannot be read as a submission: {error}") from error


def vote(files: Sequence[Path], shares: Sequence[float], out: Path, force: bool = False) -> int:
    """Write a submission of the labels that most of several give, in the order of the first; the number of photos.

    Args:
        files: submissions of the same photos.
        shares: the weight of each one's votes; of several labels with the most, the earliest file's counts.
        out: the file to write.
        force: replace it.

    Raises:
        RecycleError: a file cannot be read, or they name different photos.
    """
    with output_file(out, force):
        return _vote(files, shares, out)


def _vote(files: Sequence[Path], shares: Sequence[float], out: Path) -> int:
    first, *others = (read_submission(file) for file in files)
    for file, rows in zip(files[1:], others, strict=True):
        differing = sorted(first.keys() ^ rows.keys())
        if differing:
            raise RecycleError(
                f"{files[0]} and {file} name different photos: {join_limited(differing, 3)}",
                "use submissions of one set",
            )
    with atomic_path(out) as part, part.open("wb") as handle:
        handle.write(SUBMISSION_HEADER)
        for name, labels in first.items():
            handle.write(submission_row(name, hard_vote([labels, *(rows[name] for rows in others)], shares)))
    return len(first)
