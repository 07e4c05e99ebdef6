"""Photos that lie in two of several data folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recycle_data.check.catalogue import LabelFault
from recycle_data.duplicates import seen
from recycle_data.identity import files_identities

if TYPE_CHECKING:
    from numpy.typing import NDArray


def lint_folders(folders: Mapping[Path, Mapping[str, Path]]) -> Iterator[LabelFault]:
    """Each photo of a folder that an earlier one holds, too; `folders` gives root to file_name to file."""
    names: list[str] = []
    earlier: NDArray[np.void] | None = None
    for files in folders.values():
        photos = files_identities(files.values())
        own = list(files)
        if earlier is not None:
            found = seen(photos, earlier)
            for number, other in found.same.items():
                how = "is" if number in found.equal else "is, saved anew,"
                yield LabelFault(
                    "photo-in-two-folders", str(files[own[number]]), repr(own[number]), f"{how} {names[other]}"
                )
        names += [str(file) for file in files.values()]
        earlier = photos if earlier is None else np.concatenate([earlier, photos])
