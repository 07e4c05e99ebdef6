"""The contest's file: `image_id,PredictionString`, 256x256 labels in row-major order."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from recyclecli.errors import RecycleError
from recyclecli.files import whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE = 256
COLUMNS = ["image_id", "PredictionString"]


class AddRow(Protocol):
    """Adds one photo's (H, W) labels to a submission."""

    def __call__(self, image_id: str, labels: NDArray[np.uint8]) -> None:
        """Add a row."""
        ...


def reduce_labels(labels: NDArray[np.uint8], side: int = SIDE) -> NDArray[np.uint8]:
    """(H, W) labels to (side, side) by nearest pixel, as the contest's scorer reduced the truth.

    Pixel i is taken from floor(i * H / side), which is what OpenCV's INTER_NEAREST does.
    """
    import numpy as np

    rows, columns = (np.arange(side) * length // side for length in labels.shape)
    return labels[np.ix_(rows, columns)]


@contextmanager
def write_submission(file: Path) -> Iterator[AddRow]:
    """Yield a function that adds one photo's (H, W) labels; the file appears when all are added."""
    with whole(file) as part, part.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(COLUMNS)

        def add(image_id: str, labels: NDArray[np.uint8]) -> None:
            writer.writerow([image_id, " ".join(map(str, reduce_labels(labels).ravel().tolist()))])

        yield add


def read_submission(file: Path) -> dict[str, NDArray[np.uint8]]:
    """image_id to (256, 256) uint8 labels.

    Raises:
        RecycleError: no such file or columns, a doubled id, or a row of wrong length or content.
    """
    import numpy as np

    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    found: dict[str, NDArray[np.uint8]] = {}
    try:
        with file.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.reader(handle)
            if next(reader, None) != COLUMNS:
                raise RecycleError(f"{file}: the first line must be {','.join(COLUMNS)}")
            for number, row in enumerate(reader, start=2):
                if len(row) != 2:
                    raise RecycleError(f"{file}, line {number}: {len(row)} columns instead of 2")
                name, text = row
                labels = np.array(text.split(), dtype=np.int64)
                if labels.size != SIDE * SIDE or labels.min() < 0 or labels.max() > 254:
                    raise RecycleError(
                        f"{file}, line {number}: {name!r} has {labels.size} labels; {SIDE * SIDE} of 0..254 are needed"
                    )
                if name in found:
                    raise RecycleError(f"{file}, line {number}: {name!r} occurs twice")
                found[name] = labels.astype(np.uint8).reshape(SIDE, SIDE)
    except (OSError, ValueError, csv.Error) as error:
        raise RecycleError(f"{file} cannot be read as a submission: {error}") from error
    return found
