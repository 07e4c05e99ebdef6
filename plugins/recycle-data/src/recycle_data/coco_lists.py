"""Any labelled photos as COCO files that name them where they lie, without copying a photo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recycle_data.augmented import document, origins_told, own_photo
from recycle_data.owned import Owned
from recycle_data.sources import Subset
from recyclecli.errors import RecycleError
from recyclecli.types import Record, Source


def write_lists(source: Source, folder: Path, stem: str, weights: Sequence[float] = ()) -> list[dict[str, Any]]:
    """Write folder/STEM-0.json and so on, one for each root and weight; the recipe's entries for them.

    Args:
        source: photos of any dataset.
        folder: where to write.
        stem: of the files' names.
        weights: per photo, how often it is drawn; 1 each when left out.

    Raises:
        RecycleError: a photo does not lie where its name says, or a file of that name is not what was written there.
    """
    groups: dict[tuple[Path, float], list[int]] = {}
    for index in range(len(source)):
        weight = weights[index] if weights else 1.0
        groups.setdefault((_root(source.record(index)), weight), []).append(index)
    entries, owned = [], Owned(folder)
    for number, ((root, weight), indices) in enumerate(groups.items()):
        photos = (own_photo(source, index) for index in indices)
        file = folder / f"{stem}-{number}.json"
        owned.refuse_foreign([file])
        owned.write_json(file, document(source.class_names, photos, *origins_told(Subset(source, indices))))
        entries.append({"root": str(root), "json": str(file.absolute()), "weight": weight})
    return entries


def _root(record: Record) -> Path:
    """The folder that the photo's name is relative to."""
    file, depth = record.file.absolute(), len(Path(record.file_name).parts)
    if not file.is_file() or file.parts[-depth:] != Path(record.file_name).parts:
        raise RecycleError(f"{record.file_name} is not stored at {record.file}", "use photos that are stored as files")
    return Path(*file.parts[:-depth])
